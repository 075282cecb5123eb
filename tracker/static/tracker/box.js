/** A part of the map in degrees. `west` and `east` may lie beyond ±180: they are where the map was turned to. */
export class Box {
  constructor(west, south, east, north) {
    const isAll = east - west >= 360;
    this.west = isAll ? -180 : west;
    this.east = isAll ? 180 : east;
    this.south = Math.max(-90, south);
    this.north = Math.min(90, north);
  }

  static of(bounds) {
    return new Box(bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth());
  }

  get isAll() {
    return this.east - this.west >= 360;
  }

  get size() {
    return (this.east - this.west) * (this.north - this.south);
  }

  /** Larger on each side by a share of itself, so that a small move needs nothing new. */
  padded(share) {
    const [x, y] = [(this.east - this.west) * share, (this.north - this.south) * share];
    return new Box(this.west - x, this.south - y, this.east + x, this.north + y);
  }

  contains({ lon, lat }) {
    return lat >= this.south && lat <= this.north && (this.isAll || turn(lon - this.west) <= this.east - this.west);
  }

  covers(other) {
    if (other.south < this.south || other.north > this.north) return false;
    return this.isAll || turn(other.west - this.west) + (other.east - other.west) <= this.east - this.west + 1e-9;
  }

  toArray() {
    return [this.west, this.south, this.east, this.north].map((degrees) => Math.round(degrees * 1e6) / 1e6);
  }
}

const turn = (degrees) => ((degrees % 360) + 360) % 360;
