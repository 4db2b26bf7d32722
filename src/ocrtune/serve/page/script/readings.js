/** What was read on an upload: the API's answer by pages, the user's edits, and two readings side by side. */

export const DOUBT = 0.9; // below this a symbol is marked as doubtful,
export const WEAK = 0.7; // and below this as weak

/** "weak", "doubt" or "" for a confidence of 0..1. */
export function level(confidence) {
  if (confidence < WEAK) {
    return "weak";
  }
  return confidence < DOUBT ? "doubt" : "";
}

/**
 * The API's answer with its lines sorted into pages. A line's `edited` is the user's text, or null; `kept` the id
 * under which the service keeps it as a correction, or null.
 */
export function fromAnswer(answer) {
  return {
    model: answer.model,
    digest: answer.digest,
    mode: answer.mode,
    seconds: answer.total_time,
    pages: answer.pages.map((page, index) => ({
      width: page.width,
      height: page.height,
      angle: page.angle,
      lines: answer.text.filter((line) => line.page === index).map((line) => ({ ...line, edited: null, kept: null })),
    })),
  };
}

/** The text as it stands now. */
export function textOf(line) {
  return line.edited ?? line.text;
}

/** The lines of a page by rows, each from left to right. */
export function rowsOf(lines) {
  const rows = new Map();
  for (const line of lines) {
    rows.set(line.row, [...(rows.get(line.row) ?? []), line]);
  }
  return [...rows.values()];
}

/** Rows as lines of text; parts that stand a line height or more apart are parted by a tab, as the API does. */
export function pageText(page) {
  return rowsOf(page.lines).map(rowText).join("\n");
}

function rowText(row) {
  let text = textOf(row[0]);
  for (let index = 1; index < row.length; index += 1) {
    const [left, right] = [row[index - 1], row[index]];
    const gap = distance(middle(left.box[1], left.box[2]), middle(right.box[0], right.box[3]));
    text += (gap < Math.max(height(left), height(right)) ? " " : "\t") + textOf(right);
  }
  return text;
}

function height(line) {
  return distance(line.box[0], line.stacked ? line.box[1] : line.box[3]);
}

function middle(a, b) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** Left, top, right and bottom of a box. */
export function bounds(box) {
  const xs = box.map((point) => point[0]);
  const ys = box.map((point) => point[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * Pairs the lines of two readings of one page by where they stand.
 *
 * @returns pairs [line or null, line or null]: all of `first` in order, then those of `second` without a match.
 */
export function matchLines(first, second) {
  const left = new Set(second);
  const pairs = first.map((line) => {
    let best = null;
    let bestPart = 0.5; // of both boxes together that they must share
    for (const other of left) {
      const part = sharedPart(bounds(line.box), bounds(other.box));
      if (part > bestPart) {
        [best, bestPart] = [other, part];
      }
    }
    left.delete(best);
    return [line, best];
  });
  return [...pairs, ...[...left].map((other) => [null, other])];
}

function sharedPart(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const tall = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || tall <= 0) {
    return 0;
  }
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * tall) / (area(a) + area(b) - width * tall);
}

/** Edits made to an earlier reading of the same pages go over to the lines that stand where theirs stood. */
export function keepEdits(earlier, later) {
  later.pages.forEach((page, index) => {
    for (const [old, line] of matchLines(earlier.pages[index]?.lines ?? [], page.lines)) {
      if (old !== null && line !== null && old.edited !== null && old.edited !== line.text) {
        [line.edited, line.kept] = [old.edited, old.kept];
      }
    }
  });
}

/**
 * Where two texts differ, symbol by symbol (longest common subsequence).
 *
 * @returns parts [{same: boolean, first: string, second: string}] that join to both texts.
 */
export function differences(first, second) {
  const [a, b] = [Array.from(first), Array.from(second)];
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i][j] =
        a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const parts = [];
  const add = (same, one, two) => {
    const last = parts.at(-1);
    if (last?.same === same) {
      last.first += one;
      last.second += two;
    } else {
      parts.push({ same, first: one, second: two });
    }
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add(true, a[i++], b[j++]);
    } else if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      add(false, a[i++], "");
    } else {
      add(false, "", b[j++]);
    }
  }
  return parts;
}
