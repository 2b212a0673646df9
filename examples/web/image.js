// From a picture to the input of the network: resized as OpenCV does, padded, and plane by plane.
const ONE = 2048; // sum of the weights of the pixels that a value is interpolated from

// Pixels of an image file, turned as its EXIF orientation says: { data: RGBA, width, height }.
export async function readImage(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

// The input, float32 [1, 3, H, W], and the sizes on the way: [height, width] of the input, the image in it, and the original.
export function prepareImage(image, { resize, size_divisor: divisor, pad_value: padding }) {
  const original = [image.height, image.width];
  const size = resize ? resizedSize(original, resize) : original;
  const padded = size.map((side) => Math.ceil(side / divisor) * divisor);
  const area = padded[0] * padded[1];
  const values = new Float32Array(3 * area);
  padding.forEach((value, channel) => values.fill(value, channel * area, (channel + 1) * area));
  const rows = taps(original[0], size[0]);
  const columns = taps(original[1], size[1]);
  const pixel = (row, column, channel) => image.data[4 * (row * original[1] + column) + channel];
  for (let y = 0; y < size[0]; y++) {
    for (let x = 0; x < size[1]; x++) {
      const [left, right, ofLeft, ofRight] = columns[x];
      for (let channel = 0; channel < 3; channel++) {
        const wide = (row) => (pixel(row, left, channel) * ofLeft + pixel(row, right, channel) * ofRight) >> 4;
        const [above, below, ofAbove, ofBelow] = rows[y];
        const sum = ((wide(above) * ofAbove) >> 16) + ((wide(below) * ofBelow) >> 16);
        values[channel * area + y * padded[1] + x] = size === original ? pixel(y, x, channel) : (sum + 2) >> 2;
      }
    }
  }
  return { values, padded, size, original };
}

function resizedSize([height, width], { scale, keep_ratio: keepRatio }) {
  if (!keepRatio) return [scale[1], scale[0]];
  const factor = Math.min(
    Math.max(...scale) / Math.max(height, width),
    Math.min(...scale) / Math.min(height, width),
  );
  return [height, width].map((side) => Math.max(1, Math.floor(side * factor + 0.5)));
}

// The two pixels that each position is interpolated from, and their weights.
function taps(source, target) {
  const inside = (index) => Math.min(Math.max(index, 0), source - 1);
  return Array.from({ length: target }, (_, index) => {
    const position = Math.fround((index + 0.5) * (1 / (target / source)) - 0.5);
    const first = Math.floor(position);
    const weight = Math.round((position - first) * ONE);
    return [inside(first), inside(first + 1), ONE - weight, weight];
  });
}
