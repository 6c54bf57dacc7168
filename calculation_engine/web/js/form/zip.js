/** Packs files into a zip archive, uncompressed: the way in which a folder is sent. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
const UTF8 = 0x0800; // flag: names are UTF-8
const MOST_BYTES = 0xffffffff;

/** Return the archive of pairs of a path and a File. */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [path, file] of files) {
    const name = new TextEncoder().encode(path);
    const content = new Uint8Array(await file.arrayBuffer());
    const shared = fields([[2, UTF8], [2, 0], [2, 0], [2, 0x21], [4, checksum(content)], [4, content.length], [4, content.length], [2, name.length], [2, 0]]);
    const local = [fields([[4, 0x04034b50], [2, 20]]), shared, name, content];
    directory.push(fields([[4, 0x02014b50], [2, 20], [2, 20]]), shared, fields([[2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name);
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
    if (offset > MOST_BYTES) throw new Error("the folder is larger than 4 GB: pack it yourself, and give the zip archive");
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = fields([[4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

function fields(pairs) {
  const bytes = [];
  for (const [width, value] of pairs) for (let i = 0; i < width; i += 1) bytes.push(Math.floor(value / 256 ** i) % 256);
  return Uint8Array.from(bytes);
}

function checksum(content) {
  let value = 0xffffffff;
  for (const byte of content) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
