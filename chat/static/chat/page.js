/* What the page says of itself, and of who reads it. */
import { sayWords } from "../realtime/words.js";

export const me = Number(document.querySelector('meta[name="user-id"]')?.content) || null;

export function toast(text, level = "info") {
  document.querySelector("toast-area")?.show(text, level);
}

/** A fresh copy of the one element in `<template data-template="name">`. */
export function template(name) {
  return document.querySelector(`template[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
}

/** The page, or part of one, at `url`. Throws when there is none to be had. */
export async function fetchPage(url, signal) {
  const response = await fetch(url, { headers: { Accept: "text/html" }, signal });
  if (!response.ok || response.redirected) throw new Error(`${url}: ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Elements from HTML that our own server rendered for everybody, with its words in the reader's language. */
export function elements(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  sayWords(holder.content);
  return [...holder.content.children];
}
