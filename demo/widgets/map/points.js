// Where the images lie in each layout and what the network answers to them, from the server: first for the shipped
// samples and then, when it is asked for, for all test images. Each time, the box around all of them is the map.

fmnist.makeMapPoints = (element, server, show) => {
  const { samples, facts } = fmnist;
  const find = (selector) => element.querySelector(selector);
  const LAYOUTS = ["pca", "pixels", "tsne"];
  const own = { labels: samples.labels, numbers: samples.numbers };
  const more = find(".more");
  let shipped = null; // {labels, numbers, answers} of the samples, and for each layout their places
  let whole = null; // the same of all test images, once they were asked for
  let others = 0; // test images that the server has besides the samples
  let frames = {}; // of each layout, the box around all that are shown: {low, size}, in parts of the samples' box
  let loads = 0; // counts what was asked of the server: an answer about a network that is gone is dropped
  let hasFailed = false; // the last of them

  const counted = (count) => count.toLocaleString("en");
  const isWhole = () => samples.count > facts.samples.count;
  const offer = () => {
    more.hidden = !others;
    more.disabled = false;
    more.textContent = isWhole()
      ? `Show only ${counted(facts.samples.count)}`
      : `Show all ${counted(facts.samples.count + others)}`;
  };

  const frameAround = (places) => {
    const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
    places.forEach((part, i) => {
      low[i % 2] = Math.min(low[i % 2], part);
      high[i % 2] = Math.max(high[i % 2], part);
    });
    return { low, size: high.map((most, axis) => most - low[axis] || 1) };
  };
  // From parts of the samples' box to parts of the map, or null where the layout is not ready.
  const framed = (layout, places) => {
    if (!places || !frames[layout]) return null;
    const { low, size } = frames[layout];
    return places.map((part, i) => (part - low[i % 2]) / size[i % 2]);
  };

  const use = (chosen) => {
    samples.use(chosen.labels, chosen.numbers);
    const points = { answers: chosen.answers };
    for (const name of LAYOUTS) {
      frames[name] = chosen[name] && frameAround(chosen[name]);
      points[name] = framed(name, chosen[name]);
    }
    offer();
    show(points);
  };

  const load = async () => {
    const mine = ++loads;
    const wasWhole = isWhole() || more.disabled; // or on its way
    const reply = await fmnist.call(server.points, {});
    if (mine !== loads) return;
    fmnist.showProblem(element, reply.error);
    hasFailed = Boolean(reply.error);
    if (hasFailed) return offer();
    shipped = { ...own, answers: fmnist.bytes(reply.answers) };
    for (const name of LAYOUTS) {
      shipped[name] = reply[name] && Float32Array.from(fmnist.words16(reply[name]), (part) => part / 65535);
    }
    [whole, others] = [null, reply.others];
    find(".said").textContent = "";
    use(shipped);
    if (wasWhole) loadOthers();
  };

  const joined = (lists) => {
    const all = new lists[0].constructor(lists.reduce((sum, list) => sum + list.length, 0));
    let end = 0;
    for (const list of lists) {
      all.set(list, end);
      end += list.length;
    }
    return all;
  };

  // Part by part, as the network takes seconds to look at them all.
  const loadOthers = async () => {
    const mine = loads;
    const parts = [];
    let [got, reply] = [0, null];
    more.disabled = true;
    find(".said").textContent = "The network looks at the other test images.";
    do {
      more.textContent = `${counted(facts.samples.count + got)} of ${counted(facts.samples.count + others)} …`;
      reply = await fmnist.call(server.all_points, { part: parts.length });
      if (mine !== loads) return;
      if (reply.error) break;
      parts.push(reply);
      got += fmnist.bytes(reply.labels).length;
    } while (got < reply.count);
    if (!reply.error) {
      samples.otherSheet.src = reply.sheet;
      await samples.otherSheet.decode().catch(() => (reply = { error: "The images themselves could not be loaded." }));
      if (mine !== loads) return;
    }
    find(".said").textContent = reply.error ?? "";
    if (reply.error) return offer();
    const all = (name, decode) => joined([shipped[name], ...parts.map((part) => decode(part[name]))]);
    whole = {
      answers: all("answers", fmnist.bytes),
      labels: all("labels", fmnist.bytes),
      numbers: all("numbers", fmnist.words16),
    };
    for (const name of LAYOUTS) {
      const isThere = shipped[name] && parts.every((part) => part[name]);
      whole[name] = isThere ? all(name, fmnist.floats32) : null;
    }
    use(whole);
  };

  more.addEventListener("click", () => {
    if (isWhole()) use(shipped);
    else if (whole) use(whole);
    else loadOthers();
  });

  return {
    load, framed,
    get hasFailed() {
      return hasFailed;
    },
    get hasMore() {
      return others > 0 && !isWhole();
    },
  };
};
