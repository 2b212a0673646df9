// Reads the description that an exported file has in its metadata. onnxruntime-web does not give it away, so the fields
// of the protocol buffer are walked: `metadata_props` are pairs of texts.
const METADATA = 14; // number of the field of ModelProto
const KEY = 'mmoneformer';
const FORMAT = 1;

export function readDescription(bytes) {
  const text = new TextDecoder();
  for (const field of fields(bytes)) {
    if (field.number !== METADATA) continue;
    const [key, value] = [...fields(field.content)].map((part) => text.decode(part.content));
    if (key !== KEY) continue;
    const description = JSON.parse(value);
    if (description.format !== FORMAT) throw new Error(`the description has format ${description.format}, not ${FORMAT}`);
    return description;
  }
  throw new Error('the file has no description: export it with `mmoneformer export`');
}

// The fields of a message: their numbers, and their contents where they have a length.
function* fields(bytes) {
  let position = 0;
  const varint = () => {
    let [value, factor, byte] = [0, 1, 128];
    while (byte >= 128) {
      byte = bytes[position++];
      value += (byte % 128) * factor; // no bit operators: those have 32 bits
      factor *= 128;
    }
    return value;
  };
  while (position < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === 2) {
      const length = varint();
      yield { number, content: bytes.subarray(position, (position += length)) };
    } else if (kind === 0) {
      varint();
    } else {
      position += kind === 1 ? 8 : 4;
    }
  }
}
