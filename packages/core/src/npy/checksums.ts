/** The checksums of a zip archive, which fflate reads over: CRC-32 as in PKWARE's APPNOTE 4.4.7. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = (table[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  return ~c >>> 0;
}

/** The names of the entries of an archive whose content is not what its directory says. */
export function damagedEntries(archive: Uint8Array, entries: Readonly<Record<string, Uint8Array>>): string[] {
  const stored = storedChecksums(archive);
  return Object.entries(entries).flatMap(([name, content]) => (stored.get(name) === crc32(content) ? [] : [name]));
}

/** What the central directory says, by name; fflate has read the same directory without error. */
function storedChecksums(archive: Uint8Array): Map<string, number> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  let end = archive.length - 22;
  while (end > 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  const found = new Map<string, number>();
  let at = view.getUint32(end + 16, true);
  while (at + 46 <= archive.length && view.getUint32(at, true) === 0x02014b50) {
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(archive.slice(at + 46, at + 46 + nameLength));
    found.set(name, view.getUint32(at + 16, true));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return found;
}
