// Writes pixel-art faces as lines of JSON: {"svg", "words"}. Arguments: number of faces, colours behind them.
import { createAvatar } from "@dicebear/core";
import * as pixelArt from "@dicebear/pixel-art";

const [count, ...backgroundColor] = process.argv.slice(2);
for (let seed = 0; seed < Number(count); seed++) {
  const { svg, extra } = createAvatar(pixelArt, { seed: String(seed), backgroundColor }).toJson();
  process.stdout.write(JSON.stringify({ svg, words: extra }) + "\n");
}
