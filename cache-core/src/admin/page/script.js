"use strict";
(() => {
  // Everything that the program says is set as text, never as markup.
  const $ = (id) => document.getElementById(id);
  const el = (tag, props = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name === "class") element.className = value;
      else if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
    return element;
  };
  const base = location.pathname.replace(/\/*$/, "/");

  // Texts.
  const count = (n) => (n === null || n === undefined ? "–" : n.toLocaleString("en"));
  const share = (part) => `${(100 * part).toFixed(1)} %`;
  const bytes = (n) => {
    if (n === null) return "no limit";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
    return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
  };
  const span = (seconds) => {
    if (seconds === null || seconds === undefined) return "–";
    if (seconds === 0) return "0 s";
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]]) {
      if (seconds >= size) return `${(seconds / size).toFixed(seconds / size < 10 ? 1 : 0)} ${unit}`;
    }
    return `${(seconds * 1e9).toFixed(0)} ns`;
  };

  // The program. The token is here and nowhere else, until the page is closed.
  let token = "";
  class Refused extends Error {
    constructor(status, message) { super(message); this.status = status; }
  }
  const ask = async (path, body) => {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(base + path, {
      method: body === undefined ? "GET" : "POST", headers, credentials: "omit",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Refused(response.status, answer.error);
    return answer;
  };

  // Tiles: what happens right now.
  const tiles = new Map();
  const tile = (id, title) => {
    const value = el("dd"), beside = el("dd", { class: "beside" });
    value.dataset.figure = id;
    $("tiles").append(el("dl", { class: "tile" }, el("dt", {}, title), value, beside));
    tiles.set(id, { value, beside });
  };
  const show = (id, value, beside = "") => {
    tiles.get(id).value.textContent = value;
    tiles.get(id).beside.replaceChildren(beside);
  };
  for (const [id, title] of [
    ["hit_rate", "Hit rate"], ["calls", "Calls a second"], ["bytes", "Bytes"], ["entries", "Entries"],
    ["hits", "Hits"], ["misses", "Misses"], ["loads", "Loads"], ["evictions", "Evictions"],
    ["saved", "Time saved"], ["latency", "Half of the loads within"],
  ]) tile(id, title);
  const meter = el("meter", { min: 0, "aria-label": "Bytes held, of the limit" });
  const besideBytes = el("span");

  // Plots, of the last five minutes.
  const HISTORY = 300, HEIGHT = 190;
  const history = { times: [], rate: [], calls: [] };
  let plots = [];
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const plot = (id, label, format, range) => {
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const draw = new uPlot({
      width: $(id).clientWidth, height: HEIGHT, cursor: { y: false }, legend: { show: false },
      scales: { y: { range } },
      axes: [{ ...axis }, { ...axis, size: 60, values: (_, ticks) => ticks.map(format) }],
      series: [{}, {
        label, stroke: color("--accent"), width: 2, fill: color("--bar"), spanGaps: true, points: { show: false },
        value: (_, value) => (value === null || value === undefined ? "–" : format(value)),
      }],
    }, [[], []], $(id));
    return draw;
  };
  const drawPlots = () => {
    plots.forEach((it) => it.destroy());
    plots = [
      plot("rate", "hit rate", (it) => `${Math.round(100 * it)} %`, () => [0, 1]),
      plot("calls", "calls/s", (it) => count(Math.round(it)), (_, __, max) => [0, Math.max(1, max * 1.1)]),
    ];
    fillPlots();
  };
  const fillPlots = () => {
    if (!plots.length) return;
    plots[0].setData([history.times, history.rate]);
    plots[1].setData([history.times, history.calls]);
  };
  const fit = () => plots.forEach((it) => it.setSize({ width: it.root.parentElement.clientWidth, height: HEIGHT }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawPlots(); fit(); });
  addEventListener("resize", fit);

  // Bars: shares, each with a name and a text.
  const bars = (into, rows) => into.replaceChildren(...rows.flatMap(([name, part, text]) => [
    el("span", {}, name),
    el("progress", { max: 1, value: part, "aria-label": name }),
    el("span", { class: "number" }, text),
  ]));
  const REASONS = {
    cold: "miss, never asked before", expired: "miss, expired", evicted: "miss, made room",
    invalidated: "miss, invalidated", refused: "miss, not stored", disabled: "miss, switched off",
  };
  const ends = ({ hits, misses, miss_reasons }) => {
    const whole = hits + misses || 1;
    const row = ([name, n]) => [name, n / whole, `${count(n)}  ${share(n / whole)}`];
    const reasons = Object.entries(miss_reasons).filter(([, n]) => n).map(([id, n]) => [REASONS[id] ?? id, n]);
    return [["hit", hits], ...reasons].map(row);
  };
  const limits = ({ points }) => points.map((it) => {
    const limit = it.max_bytes === null ? (it.max_entries === null ? "" : `${count(it.max_entries)} entries`) : bytes(it.max_bytes);
    return [`${limit}, ${it.factor === 1 ? "as now" : `${it.factor} times as much`}`, it.hit_rate, share(it.hit_rate)];
  });

  // Tables, sorted by their heads.
  const table = (id, columns, sorted) => {
    const [head, body] = [$(id).tHead.rows[0], $(id).tBodies[0]];
    let rows = [], { by, down } = sorted ?? { by: null };
    const cells = columns.map((column) => {
      const button = el("button", { type: "button" }, column.title);
      const cell = el("th", { scope: "col", class: column.number ? "number" : "" }, by === null ? column.title : button);
      button.addEventListener("click", () => {
        down = by === column.id ? !down : Boolean(column.number);
        by = column.id;
        draw();
      });
      return cell;
    });
    head.replaceChildren(...cells);
    const draw = () => {
      const focused = document.activeElement?.closest?.(`#${id} tbody [data-key]`)?.dataset.key;
      const column = columns.find((it) => it.id === by);
      if (column) {
        const order = (a, b) => (typeof a === "string" ? a.localeCompare(b) : (a ?? -1) - (b ?? -1));
        rows.sort((a, b) => (down ? -1 : 1) * order(column.value(a), column.value(b)));
        cells.forEach((cell, nth) => {
          if (columns[nth].id === by) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
          else cell.removeAttribute("aria-sort");
        });
      }
      body.replaceChildren(...rows.map((row) => el("tr", {}, ...columns.map((it) => {
        const text = it.show ? it.show(row) : it.value(row);
        return el("td", { class: it.look ?? (it.number ? "number" : "text") }, text ?? "–");
      }))));
      if (focused) [...body.querySelectorAll("[data-key]")].find((it) => it.dataset.key === focused)?.focus();
    };
    return (next) => { rows = next; draw(); };
  };
  const n = (id, title, show = count) => ({
    id, title, number: true, value: (it) => it.stats[id], show: (it) => show(it.stats[id]),
  });
  const open = (row) => {
    const link = el("button", { type: "button", class: "link" }, row.name);
    link.dataset.key = keyOf(row);
    link.addEventListener("click", () => { drill(keyOf(row)); $("function-title").focus(); });
    return link;
  };
  const FUNCTIONS = [
    { id: "name", title: "Function", value: (it) => it.name, show: open },
    n("hit_rate", "Hit rate", share), n("hits", "Hits"), n("misses", "Misses"), n("loads", "Loads"),
    n("evictions", "Evicted"), n("invalidations", "Invalidated"), n("entries", "Entries"), n("bytes", "Bytes", bytes),
  ];
  const showFunctions = table("functions", FUNCTIONS, { by: "misses", down: true });
  const showSuspects = table("suspects", [
    { title: "Function", value: (it) => it.name },
    { title: "Defined at", value: (it) => `${it.file}:${it.line}` },
    { title: "Hits compared", number: true, value: (it) => (it.comparable ? count(it.stats.verified) : "cannot be") },
    { title: "Results that differed", number: true, value: (it) => count(it.stats.divergences) },
    { title: "Key of the first", look: "key", value: (it) => it.suspect },
  ]);
  const showLabels = table("labels", [
    { id: "label", title: "Label", value: (it) => it.label },
    { id: "hits", title: "Hits", number: true, value: (it) => it.hits, show: (it) => count(it.hits) },
    { id: "loads", title: "Loads", number: true, value: (it) => it.loads, show: (it) => count(it.loads) },
    { id: "entries", title: "Entries", number: true, value: (it) => it.entries, show: (it) => count(it.entries) },
    { id: "bytes", title: "Bytes", number: true, value: (it) => it.bytes, show: (it) => bytes(it.bytes) },
  ], { by: "hits", down: true });
  const showTiers = table("tiers", [
    { title: "Tier", value: (it) => it.name },
    { title: "State", value: (it) => it, show: (it) => el("span", { class: it.is_working ? "good" : "bad" }, it.is_working ? "working" : "left in peace") },
    ...["failures", "slow", "skipped", "queued", "coarsened"].map((id) => ({ title: id, number: true, value: (it) => count(it[id]) })),
  ]);
  const showEntries = table("entries", [
    { title: "Function", value: (it) => it.function },
    { title: "Label", value: (it) => it.label },
    { title: "Key", look: "key", value: (it) => it.key },
    { title: "Uses", number: true, value: (it) => count(it.uses) },
    { title: "Bytes", number: true, value: (it) => bytes(it.charge) },
    { title: "Age", number: true, value: (it) => span(it.age) },
    { title: "Unused for", number: true, value: (it) => span(it.idle) },
    { title: "Expires in", number: true, value: (it) => span(it.remaining) },
  ]);

  // Functions.
  const keyOf = (it) => `${it.module}::${it.name}:${it.line}`;
  let functions = [], opened = null;
  const drawFunctions = () => {
    const part = $("find-function").value.toLowerCase();
    const rows = functions.filter((it) =>
      (!$("only-called").checked || it.stats.hits + it.stats.misses > 0) &&
      (!part || `${it.module}::${it.name}`.toLowerCase().includes(part)));
    $("n-functions").textContent = `${count(rows.length)} of ${count(functions.length)}`;
    showFunctions(rows);
    const row = functions.find((it) => keyOf(it) === opened);
    $("function").hidden = !row;
    if (!row) return;
    $("function-title").textContent = row.name;
    const facts = [
      ["module", row.module], ["defined at", `${row.file}:${row.line}`], ["lifetime", span(row.ttl)],
      ["cached", row.enabled ? "yes" : "no"],
      ["tiers", ["memory", ...(row.disk ? ["disk"] : []), ...(row.redis ? ["redis"] : [])].join(", ")],
      ...Object.entries(row.refusals).map(([layer, refused]) => [`refused by ${layer}`, count(refused)]),
      ...(row.cost === null ? [] : [["cost of a body", row.cost]]),
      ...Object.entries(row.stats).flatMap(([id, value]) => fact(id, value)),
    ];
    bars($("function-misses"), ends(row.stats));
    const points = row.curve.points.filter((it) => it.max_bytes !== null || it.max_entries !== null);
    bars($("function-curve"), limits({ points }));
    $("labels-region").hidden = !row.labels.length;
    showLabels(row.labels);
    $("function-facts").replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  };
  const fact = (id, value) => {
    const name = id.replaceAll("_", " ");
    if (id === "miss_reasons") return [];
    if (value !== null && typeof value === "object") {
      if (!value.count) return [];
      return ["p50", "p90", "p99", "max"].map((part) => [`${name}, ${part}`, span(value[part])]);
    }
    if (id.endsWith("bytes")) return [[name, bytes(value)]];
    if (id.endsWith("rate")) return [[name, share(value)]];
    if (id.endsWith("time") || id === "time_saved") return [[name, span(value)]];
    return [[name, count(value)]];
  };
  const drill = (key) => {
    opened = key;
    $("find-entry").value = "";
    offset = 0;
    drawFunctions();
    refreshEntries();
  };
  const readFunctions = async () => {
    const all = [];
    for (;;) {
      const { functions: part, total } = await ask(`functions?limit=1000&offset=${all.length}`);
      all.push(...part);
      if (!part.length || all.length >= total) break;
    }
    functions = all;
    const compared = functions.filter((it) => it.comparable !== null);
    compared.sort((a, b) => b.stats.divergences - a.stats.divergences);
    $("suspects-section").hidden = !compared.length;
    showSuspects(compared);
    drawFunctions();
  };

  // Entries.
  const PAGE = 50;
  let offset = 0;
  const readEntries = async () => {
    const query = new URLSearchParams({ offset, limit: PAGE });
    const [part, row] = [$("find-entry").value, functions.find((it) => keyOf(it) === opened)];
    if (part) query.set("search", part);
    if (row) query.set("function", row.name);
    const { entries, total } = await ask(`entries?${query}`);
    showEntries(entries);
    const of = row ? ` of ${row.name}` : "";
    $("n-entries").textContent = total ? `${count(offset + 1)} to ${count(offset + entries.length)} of ${count(total)}${of}` : `none${of}`;
    $("entries-back").disabled = offset === 0;
    $("entries-on").disabled = offset + PAGE >= total;
  };
  const refreshEntries = () => readEntries().catch(failed);
  const turn = (by) => { offset = Math.max(0, offset + by); refreshEntries(); };
  $("entries-back").addEventListener("click", () => turn(-PAGE));
  $("entries-on").addEventListener("click", () => turn(PAGE));
  $("find-entry").addEventListener("input", () => { offset = 0; refreshEntries(); });
  $("find-function").addEventListener("input", drawFunctions);
  $("only-called").addEventListener("change", drawFunctions);
  $("function-close").addEventListener("click", () => { drill(null); $("functions-title").focus(); });

  // The whole process.
  let last = null;
  const readStats = async () => {
    const { stats, tiers, curve, advice } = await ask("stats");
    const now = { at: performance.now(), calls: stats.hits + stats.misses, hits: stats.hits };
    let [perSecond, rate] = [null, null];
    if (last && now.calls >= last.calls) {
      perSecond = 1000 * (now.calls - last.calls) / Math.max(1, now.at - last.at);
      if (now.calls > last.calls) rate = (now.hits - last.hits) / (now.calls - last.calls);
    }
    last = now;
    history.times.push(Date.now() / 1000);
    history.rate.push(rate);
    history.calls.push(perSecond);
    Object.values(history).forEach((it) => it.splice(0, it.length - HISTORY));
    fillPlots();
    show("hit_rate", share(stats.hit_rate), rate === null ? "of all calls" : `${share(rate)} right now`);
    show("calls", perSecond === null ? "–" : count(Math.round(perSecond)), `${count(now.calls)} in all`);
    besideBytes.textContent = stats.max_bytes === null ? "no limit" : `of ${bytes(stats.max_bytes)}`;
    meter.hidden = stats.max_bytes === null;
    meter.max = stats.max_bytes || 1;
    meter.value = stats.bytes;
    show("bytes", bytes(stats.bytes), el("span", {}, meter, besideBytes));
    show("entries", count(stats.entries), stats.max_entries === null ? "no limit" : `of ${count(stats.max_entries)}`);
    show("hits", count(stats.hits), stats.stale ? `${count(stats.stale)} of them stale` : "");
    show("misses", count(stats.misses), `${count(stats.coalesced)} shared a load`);
    show("loads", count(stats.loads), `${count(stats.reloads)} in the background`);
    show("evictions", count(stats.evictions), `${count(stats.expirations)} expired, ${count(stats.invalidations)} invalidated`);
    show("saved", span(stats.time_saved), stats.money_saved === null ? `bodies took ${span(stats.body_time)}` : `and ${stats.money_saved.toFixed(2)} of money`);
    show("latency", span(stats.load_latency.p50), `99 of 100 within ${span(stats.load_latency.p99)}`);
    bars($("misses"), ends(stats));
    const isLimited = curve.points.some((it) => it.max_bytes !== null || it.max_entries !== null);
    $("curve-section").hidden = !isLimited;
    if (isLimited) bars($("curve"), limits(curve));
    $("advice-section").hidden = !advice.length;
    $("advice").replaceChildren(...advice.map((it) => el("li", {}, `${it.function}: ${it.text}`)));
    $("tiers-section").hidden = !tiers.length;
    showTiers(tiers);
  };
  let reason = "";
  const readHealth = async () => {
    const { status, reasons } = await ask("health");
    $("health").textContent = status;
    $("health").className = `badge ${{ healthy: "good", disabled: "bad" }[status] ?? "warn"}`;
    $("health").title = reasons.join("\n");
    // What was done stays there to be read until there is another reason.
    if (reason !== (reasons[0] ?? "")) say(reason = reasons[0] ?? "");
  };
  let isOn = true;
  const readConfig = async () => {
    const config = await ask("config");
    isOn = config.enabled;
    $("do-switch").textContent = isOn ? "Switch off" : "Switch on";
    $("no-token").hidden = config.has_token;
    for (const control of $("actions").querySelectorAll("input, button, select")) control.disabled = !config.has_token;
    $("function-clear").disabled = !config.has_token;
    $("do-warm").hidden = !config.warmers.length;
    if ($("warmer").length !== config.warmers.length) {
      $("warmer").replaceChildren(...config.warmers.map((name) => el("option", {}, name)));
    }
  };

  // What happens, where somebody wants to see it.
  const LOG = 200;
  const TOLD = {
    loaded: (it) => `${it.function}${it.reason ? `, ${it.reason},` : ""} loaded, ${it.outcome}${it.took === null ? "" : ` after ${span(it.took)}`}`,
    dropped: (it) => `${it.function}: ${count(it.entries)} ${it.cause}, ${bytes(it.bytes)}`,
    emitted: (it) => `${it.event} emitted${it.is_soft ? " softly" : ""}`,
    tier: (it) => `${it.name} ${it.is_working ? "works again" : "does not work"}`,
    diverged: (it) => `${it.function} at ${it.file}:${it.line}: a stored result differed from a fresh one, key ${it.key}`,
    health: (it) => `${it.status}: ${it.reasons.join("; ") || "all is well"}`,
    missed: (it) => `${count(it.messages)} more, too fast for this page`,
  };
  let following = null;
  const follow = async (stop) => {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await fetch(`${base}events`, { headers, credentials: "omit", signal: stop.signal });
    if (!response.ok) throw new Refused(response.status, (await response.json()).error);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      const lines = messages.flatMap((message) => {
        const [, kind, data] = message.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
        return TOLD[kind] ? [el("li", {}, el("time", {}, new Date().toLocaleTimeString()), el("span", {}, TOLD[kind](JSON.parse(data))))] : [];
      });
      $("log").prepend(...lines.reverse());
      while ($("log").childElementCount > LOG) $("log").lastChild.remove();
    }
  };
  $("follow").addEventListener("change", () => {
    following?.abort();
    following = $("follow").checked ? new AbortController() : null;
    if (!following) return;
    const stop = following;
    follow(stop).catch((error) => { if (!stop.signal.aborted) failed(error); }).finally(() => {
      // It has ended by itself.
      if (!stop.signal.aborted) $("follow").checked = false;
    });
  });

  // What is done takes a confirmation, and the token.
  const say = (text) => { if ($("notice").textContent !== text) $("notice").textContent = text; };
  const dialog = $("confirm");
  let todo = null;
  const confirm = (title, text, what) => {
    todo = what;
    $("confirm-title").textContent = title;
    $("confirm-text").textContent = text;
    $("confirm-error").textContent = "";
    $("confirm-input").value = "";
    $("confirm-token").hidden = Boolean(token);
    dialog.showModal();
    (token ? $("confirm-no") : $("confirm-input")).focus();
  };
  $("confirm-no").addEventListener("click", () => dialog.close());
  $("confirm-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if ($("confirm-input").value) token = $("confirm-input").value;
    try {
      const done = await todo();
      dialog.close();
      say(done);
      refresh();
    } catch (error) {
      if (error.status === 401) { token = ""; $("confirm-token").hidden = false; $("confirm-input").focus(); }
      $("confirm-error").textContent = error.message;
    }
    $("confirm-input").value = "";
    $("token").setAttribute("aria-pressed", String(Boolean(token)));
  });
  const act = (title, text, path, body, done) =>
    confirm(title, text, async () => done(await ask(path, body)));
  const onSubmit = (id, work) => $(id).addEventListener("submit", (event) => { event.preventDefault(); work(); });

  $("token").addEventListener("click", () =>
    confirm("Token", token ? "This page has one. Another takes its place." : "It is asked for where something is changed.", async () => {
      if (!token) throw new Error("nothing was entered");
      await ask("config", {});
      return "the token is right";
    }));
  $("token").addEventListener("click", () => { $("confirm-token").hidden = false; });
  onSubmit("do-invalidate", () => {
    const pattern = $("pattern").value;
    act("Drop results", `All that is named or labelled ${pattern}`, "invalidate", { matching: pattern }, (it) => `dropped ${count(it.dropped)} entries`);
  });
  onSubmit("do-emit", () => {
    let event = $("event").value;
    try { event = JSON.parse(event); } catch { /* It is a text. */ }
    if (typeof event === "number" || typeof event === "boolean") event = String(event);
    act("Emit an event", JSON.stringify(event), "invalidate", { event }, () => "emitted");
  });
  onSubmit("do-bytes", () => {
    const text = $("max-bytes").value;
    act("Limit on bytes", text ? `${text} MiB` : "none", "config", { max_bytes: text ? Math.round(text * 2 ** 20) : null }, () => "set");
  });
  onSubmit("do-entries", () => {
    const text = $("max-entries").value;
    act("Limit on entries", text || "none", "config", { max_entries: text ? Number(text) : null }, () => "set");
  });
  onSubmit("do-warm", () => {
    const name = $("warmer").value;
    act("Warm", name, "warm", { name }, (it) => `warming ${it.warming}`);
  });
  $("do-cleanup").addEventListener("click", () =>
    act("Drop what has expired", "It would go by itself.", "cleanup", {}, (it) => `dropped ${count(it.dropped)} entries`));
  $("do-switch").addEventListener("click", () =>
    act(isOn ? "Switch off" : "Switch on", isOn ? "Every call will run its body. What is stored stays." : "Calls will be answered from the cache again.",
      "config", { enabled: !isOn }, (it) => (it.enabled ? "switched on" : "switched off")));
  $("do-clear").addEventListener("click", () =>
    act("Drop everything", "Every result of every function.", "clear", {}, () => "dropped everything"));
  $("function-clear").addEventListener("click", () => {
    const row = functions.find((it) => keyOf(it) === opened);
    if (row) act("Drop results", `All of ${row.name}`, "invalidate", { function: row.name }, () => `dropped what ${row.name} had stored`);
  });

  // Round and round.
  const failed = (error) => {
    if (error.status === 401 && !dialog.open) {
      confirm("Token", "This program shows nothing without it.", async () => { await ask("config"); return ""; });
    } else if (!error.status) {
      $("health").textContent = "no answer";
      $("health").className = "badge bad";
    } else {
      say(error.message);
    }
  };
  const refresh = async () => {
    try {
      await readStats();
      await Promise.all([readFunctions(), readHealth(), readConfig(), readEntries()]);
      document.body.dataset.rounds = Number(document.body.dataset.rounds ?? 0) + 1;
    } catch (error) {
      failed(error);
    }
  };
  const round = async () => {
    if (!document.hidden) await refresh();
    setTimeout(round, 1000);
  };
  drawPlots();
  fit();
  round();
})();
