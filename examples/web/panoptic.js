// From the logits of the queries to the panoptic map of an image, as mmoneformer_deploy/post_process.py does it.
// Logits: class_logits [Q, K + 1] and mask_logits [Q, h, w] as flat arrays; sizes are [height, width].

// { ids: n + 1 in segment n, 0 where there is none, per pixel; segments: label, score and area of each }
export function panopticMap(classLogits, maskLogits, maskSize, sizes, description) {
  const numClasses = description.classes.length;
  const queries = sureQueries(classLogits, numClasses, description.object_mask_thr);
  const [height, width] = sizes.original;
  const [best, winner] = [new Float32Array(height * width), new Int16Array(height * width).fill(-1)];
  const inside = new Uint8Array(height * width); // of the mask that wins
  const area = maskSize[0] * maskSize[1];
  const maskAreas = queries.map(({ query, score }, index) => {
    const logits = enlarge(maskLogits.subarray(query * area, (query + 1) * area), maskSize, sizes);
    let count = 0;
    logits.forEach((logit, pixel) => {
      const probability = 1 / (1 + Math.exp(-logit));
      const isInside = probability >= 0.5;
      count += isInside;
      if (score * probability > best[pixel]) {
        best[pixel] = score * probability;
        winner[pixel] = index;
        inside[pixel] = isInside;
      }
    });
    return count;
  });
  return numberSegments(queries, winner, inside, maskAreas, description);
}

function sureQueries(classLogits, numClasses, threshold) {
  const queries = [];
  for (let query = 0; query * (numClasses + 1) < classLogits.length; query++) {
    const logits = classLogits.subarray(query * (numClasses + 1), (query + 1) * (numClasses + 1));
    const label = logits.indexOf(Math.max(...logits));
    const score = 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - logits[label]), 0);
    if (label !== numClasses && score > threshold) queries.push({ query, label, score });
  }
  return queries;
}

// Drops segments that keep too little of their mask, merges stuff of one class, and numbers the others.
function numberSegments(queries, winner, inside, maskAreas, { thing_ids: things, overlap_thr: threshold }) {
  const [won, left] = [new Array(queries.length).fill(0), new Array(queries.length).fill(0)];
  winner.forEach((index, pixel) => {
    if (index < 0) return;
    won[index]++;
    left[index] += inside[pixel];
  });
  const segments = [];
  const numberOf = queries.map(({ label, score }, index) => {
    if (left[index] === 0 || won[index] / maskAreas[index] < threshold) return 0;
    const isThing = things.includes(label);
    const same = isThing ? undefined : segments.find((segment) => segment.label === label);
    if (!same) return segments.push({ label, score, isThing, area: left[index] });
    same.score = Math.max(same.score, score);
    same.area += left[index];
    return segments.indexOf(same) + 1;
  });
  const ids = Uint16Array.from(winner, (index, pixel) => (index >= 0 && inside[pixel] ? numberOf[index] : 0));
  return { ids, segments };
}

// A mask from stride 4 to the padded input, cut to the image, to the original size; both times bilinearly.
function enlarge(logits, maskSize, { padded, size, original }) {
  const full = interpolate(logits, maskSize, maskSize[1], padded);
  return interpolate(full, size, padded[1], original);
}

function interpolate(values, [height, width], stride, [newHeight, newWidth]) {
  const result = new Float32Array(newHeight * newWidth);
  const [rows, columns] = [taps(height, newHeight), taps(width, newWidth)];
  for (let y = 0; y < newHeight; y++) {
    const [above, below, ofBelow] = rows[y];
    for (let x = 0; x < newWidth; x++) {
      const [left, right, ofRight] = columns[x];
      const wide = (row) => values[row * stride + left] * (1 - ofRight) + values[row * stride + right] * ofRight;
      result[y * newWidth + x] = wide(above) * (1 - ofBelow) + wide(below) * ofBelow;
    }
  }
  return result;
}

function taps(source, target) {
  return Array.from({ length: target }, (_, index) => {
    const position = Math.max((index + 0.5) * (source / target) - 0.5, 0);
    const first = Math.min(Math.floor(position), source - 1);
    return [first, Math.min(first + 1, source - 1), position - first];
  });
}
