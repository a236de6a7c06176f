// What an ONNX file says about itself, which ONNX Runtime does not tell JavaScript. In onnx.proto, field 14 of a model
// has its metadata_props: messages with a key in field 1 and a value in field 2.

/** Return the metadata of an ONNX file, given as Uint8Array, as an object of strings. */
export function metadata(file) {
  const texts = ([number, bytes]) => [number, new TextDecoder().decode(bytes)];
  const entries = fields(file).filter(([number]) => number === 14).map(([, entry]) => fields(entry).map(texts));
  return Object.fromEntries(entries.map((entry) => [new Map(entry).get(1), new Map(entry).get(2)]));
}

/** Return [number, bytes] of the fields of a protocol buffer that have a length. */
function fields(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte % 128) * scale;
        if (!(byte >= 128)) return value;
      }
    };
    const key = varint();
    const type = key % 8;
    if (type === 2) {
      const size = varint();
      found.push([Math.floor(key / 8), bytes.subarray(at, at + size)]);
      at += size;
    } else if (type === 0) varint();
    else at += type === 1 ? 8 : 4;
  }
  return found;
}
