/*
 * Makes the base map of tracker/static/tracker/ from Natural Earth (public domain, naturalearthdata.com), as the npm package
 * world-atlas carries it. Its shapes are spherical: seven edges run across the antimeridian, and a flat map would draw them as
 * bands around the world. Here they are cut there and at the pole. The countries have their English names, and by the code of a
 * language those that Unicode's CLDR has for them (as Node knows it), where they differ. Run once, by hand, in an empty directory:
 *
 *     npm i --ignore-scripts world-atlas@2.0.2 topojson-client@3.1.0 d3-geo@3.1.2 d3-geo-projection@4.0.0 cldr-core@48.2.0
 *     NODE_PATH=node_modules node build.mjs .../tracker/static/tracker
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { feature } = require("topojson-client");
const { geoEquirectangular } = await import(require.resolve("d3-geo").replace("dist/d3-geo.js", "src/index.js"));
const { geoProject } = await import(require.resolve("d3-geo-projection").replace("dist/d3-geo-projection.js", "src/index.js"));

const LANGUAGES = ["de"]; // of the site, besides English
const { codeMappings } = JSON.parse(readFileSync(require.resolve("cldr-core/supplemental/codeMappings.json"))).supplemental;
const REGIONS = new Map(
  Object.entries(codeMappings)
    .filter(([code, { _numeric }]) => code.length === 2 && _numeric)
    .map(([code, { _numeric }]) => [_numeric, code]),
);
const UNNUMBERED = { Kosovo: "XK" };
const PARTS = new Set(["Ashmore and Cartier Is."]); // of a country whose number they have
const DEGREES = geoEquirectangular().scale(180 / Math.PI).translate([0, 0]).precision(0);

for (const [scale, decimals] of [["110m", 2], ["50m", 2]]) {
  const topology = JSON.parse(readFileSync(require.resolve(`world-atlas/countries-${scale}.json`)));
  const features = feature(topology, topology.objects.countries).features.map((country) => flat(country, decimals));
  check(features);
  const file = `${process.argv[2]}/world-${scale}.json`;
  writeFileSync(file, JSON.stringify({ type: "FeatureCollection", features }));
  console.log(file, features.length, "countries");
}

function flat(country, decimals) {
  const geometry = geoProject(country.geometry, DEGREES);
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const coordinates = polygons.map((rings) => rings.map((ring) => round(ring, decimals)).filter((ring) => ring.length > 3));
  return {
    type: "Feature",
    properties: names(country),
    geometry: { type: "MultiPolygon", coordinates: coordinates.filter((rings) => rings.length) },
  };
}

function names({ id, properties: { name } }) {
  const region = PARTS.has(name) ? null : (REGIONS.get(id) ?? UNNUMBERED[name]);
  const said = region ? LANGUAGES.map((language) => [language, nameIn(language, region)]) : [];
  return { name, ...Object.fromEntries(said.filter(([, other]) => other !== name)) };
}

function nameIn(language, region) {
  return new Intl.DisplayNames(language, { type: "region", style: "short" }).of(region);
}

/** Degrees with few decimals, north up, without points that fall together. */
function round(ring, decimals) {
  const at = (value) => Number(value.toFixed(decimals)) + 0;
  const points = ring.map(([x, y]) => [at(x), at(-y)]);
  return points.filter(([x, y], i) => i === 0 || x !== points[i - 1][0] || y !== points[i - 1][1]);
}

function check(features) {
  for (const { properties, geometry } of features) {
    for (const ring of geometry.coordinates.flat()) {
      for (let i = 1; i < ring.length; i++) {
        const isAlongPole = Math.abs(ring[i][1]) > 89.9 && Math.abs(ring[i - 1][1]) > 89.9;
        if (Math.abs(ring[i][0] - ring[i - 1][0]) > 180 && !isAlongPole) throw new Error(`${properties.name} crosses the map`);
      }
    }
  }
}
