// Networks as files: to keep the one that answers, and to bring one back.

/** @import { Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { bytes, readFile } from "../shared/base64.js";
import { finder, saveFile, showProblem } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

/**
 * @param {HTMLElement} element
 * @param {Servers["training"]} server
 * @param {() => void} answersNow another network does
 */
export const makeKeeping = (element, server, answersNow) => {
  const find = finder(element);
  const [download, upload] = ["#download", "#upload-network"].map((id) => find(id, HTMLButtonElement));
  const input = find("[type=file]", HTMLInputElement);

  /**
   * Say what is being done while it is, and then what came of it.
   * @type {(doing: string, deed: () => Promise<{ done?: string, error?: string }>) => Promise<void>}
   */
  const work = async (doing, deed) => {
    showProblem(element);
    find(".said").textContent = doing;
    download.disabled = upload.disabled = true;
    const { done, error } = await deed();
    download.disabled = upload.disabled = false;
    find(".said").textContent = done ?? "";
    showProblem(element, error);
  };

  const save = async () => {
    const reply = await call(server.download, {});
    if (reply.error !== undefined) return reply;
    saveFile(new Blob([bytes(reply.file)], { type: "application/zip" }), "network.zip");
    return {
      done:
        reply.difference === null
          ? "Weights and configuration, as --weights and from_pretrained read them."
          : `Weights, and ONNX with a script to run it anywhere: checked on all 2,000 samples, the largest difference in a probability is about ${reply.difference.toExponential(0)}.`,
    };
  };

  /** @param {File[]} chosen */
  const open = async (chosen) => {
    if (chosen.reduce((sum, { size }) => sum + size, 0) > facts.networkBytes)
      return { error: `The files of the network are larger than ${facts.networkBytes / 2 ** 20} MB.` };
    const files = [];
    for (const each of chosen) {
      const file = await readFile(each);
      if (file === null) return { error: `${each.name} could not be read.` };
      files.push({ name: each.name, file });
    }
    const reply = await call(server.upload, { files });
    if (reply.error !== undefined) return reply;
    answersNow();
    const accuracy = `${(100 * reply.accuracy).toFixed(1)} %`;
    return {
      done: `It answers now, as “${reply.name}”: ${reply.architecture}, ${reply.parameters.toLocaleString("en")} parameters, right about ${accuracy} of the ${facts.samples.count.toLocaleString("en")} test images of this page.`,
    };
  };

  download.addEventListener("click", () => work("Packing …", save));
  upload.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const chosen = [...(input.files ?? [])];
    input.value = ""; // so that the same file can be chosen again
    if (chosen.length) work("Reading it …", () => open(chosen));
  });
};
