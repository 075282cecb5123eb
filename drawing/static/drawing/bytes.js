/** Numbers as bytes: seven bits each, the lowest first; of all but the last byte the high bit is set. */
export class Writer {
  #bytes = [];

  get length() {
    return this.#bytes.length;
  }

  byte(value) {
    this.#bytes.push(value & 0xff);
    return this;
  }

  varint(value) {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes.push((rest % 128) | 0x80);
      rest = Math.floor(rest / 128); // shifting would end at 32 bits, and revisions do not
    }
    this.#bytes.push(rest);
    return this;
  }

  /** Zigzag: 0, -1, 1, -2... as 0, 1, 2, 3... */
  signed(value) {
    return this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  bytes(values) {
    for (const value of values) this.#bytes.push(value);
    return this;
  }

  done() {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads from the front. What is cut off throws a RangeError. */
export class Reader {
  #data;
  #at;
  #end;

  constructor(data, at = 0, end = data.length) {
    this.#data = data;
    this.#at = at;
    this.#end = end;
  }

  get isDone() {
    return this.#at >= this.#end;
  }

  byte() {
    if (this.#at >= this.#end) throw new RangeError("cut off");
    return this.#data[this.#at++];
  }

  varint() {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
      if (factor > 2 ** 53) throw new RangeError("too large a number");
    }
  }

  signed() {
    const value = this.varint();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  /** A view, not a copy. */
  bytes(length) {
    if (this.#at + length > this.#end) throw new RangeError("cut off");
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }

  rest() {
    return this.bytes(this.#end - this.#at);
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as zlib has it. */
export function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) value = (value >>> 8) ^ TABLE[(value ^ byte) & 0xff];
  return (value ^ 0xffffffff) >>> 0;
}

export function isEqual(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function concat(...pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
