// The page on which a channel monitor is tried. What a model or a message says is put as text, never as markup.
"use strict";

(() => {
  const at = (id) => document.getElementById(id);
  const [yaml, typed, state, results, wrong] = ["yaml", "typed", "state", "results", "wrong"].map(at);
  const path = "/channelmonitor/test";
  const { element, post } = ratchet;
  let monitors = [];
  let fetched = [];
  let running = null;
  let checking = 0;

  const chosen = () => monitors.find((one) => one.name === at("monitor").value) || monitors[0];
  const say = (text) => { wrong.textContent = text; wrong.hidden = !text; };
  const button = () => { at("run").disabled = Boolean(running) || !ready; };
  const ready = !at("run").disabled;

  async function check() {
    const mine = ++checking;
    const answer = await post(`${path}/check`, { yaml: yaml.value }).then((a) => a.json(), (error) => error);
    if (mine !== checking) return;
    if (answer instanceof Error) { state.replaceChildren(element("p", "note bad", answer.message)); return; }
    monitors = answer.monitors;
    yaml.setAttribute("aria-invalid", String(answer.problems.length > 0));
    const shown = answer.problems.map((problem) => element("p", "note bad", problem));
    if (!shown.length) {
      const where = monitors.map((one) => `${one.name} in ${one.channel ? "#" + one.channel : one.channel_id}`);
      shown.push(element("p", "note good", monitors.length ? `Understood: ${where.join(", ")}` : "No monitor yet."));
    }
    state.replaceChildren(...shown);
    const before = at("monitor").value;
    at("monitor").replaceChildren(...monitors.map((one) => new Option(one.name, one.name)));
    if (monitors.some((one) => one.name === before)) at("monitor").value = before;
    at("choice").hidden = monitors.length < 2;
    refusal();
  }

  function refusal() {
    const text = at("execute").checked && chosen() ? chosen().refusal : "";
    at("refusal").textContent = text;
    at("refusal").hidden = !text;
  }

  function messages() {
    const own = typed.value.split(/\n\s*\n/).map((text) => text.trim()).filter(Boolean);
    const picked = [...document.querySelectorAll("#fetched input:checked")].map((box) => fetched[box.value]);
    return [...picked, ...own.map((text) => ({ text, user: "U0TYPED", name: "typed here", slack_ts: "" }))];
  }

  async function fetchLast() {
    say("");
    const monitor = chosen();
    if (!monitor) { say("First a monitor that is right: its channel is read."); return; }
    try {
      const body = { channel_id: monitor.channel_id, last: Number(at("last").value) };
      fetched = (await (await post(`${path}/messages`, body)).json()).messages;
    } catch (error) { say(error.message); return; }
    const lines = fetched.map((one, number) => {
      const label = element("label", "check");
      const box = Object.assign(element("input"), { type: "checkbox", value: String(number), checked: true });
      const text = one.text.length > 160 ? `${one.text.slice(0, 160)}…` : one.text;
      label.append(box, element("span", "", `${one.name || one.user}: ${text || "(no text)"}`));
      return label;
    });
    at("fetched").replaceChildren(...(lines.length ? lines : [element("p", "soft", "Nobody has said anything there.")]));
    at("fetched").hidden = false;
  }

  const part = (title, text, kind) => {
    const made = element("details");
    made.append(element("summary", "", title), element("pre", kind || "", text));
    return made;
  };

  function card(message, number) {
    const made = element("article", "card result");
    const head = element("div", "row");
    head.append(element("h3", "grow", `Message ${number + 1}, ${message.name || message.user}`), element("span", "badge", "waiting"));
    made.append(head, element("p", "said", message.text));
    results.append(made);
    return made;
  }

  function badge(made, text, kind) {
    const shown = made.querySelector(".badge");
    shown.textContent = text;
    shown.className = `badge ${kind}`;
  }

  function show(made, found) {
    const verdict = found.sends.length ? `${found.sends.length} to send` : found.ran ? "nothing to send" : "output fits";
    badge(made, found.problem ? "failed" : verdict, found.problem ? "bad" : "good");
    if (found.problem) made.append(element("p", "note bad", found.problem));
    if (found.output !== null || !found.problem) made.append(element("h3", "", "Output"), element("pre", "output", JSON.stringify(found.output, null, 2)));
    for (const send of found.sends) {
      const note = element("div", "note");
      note.append(element("strong", "", `Would go to ${send.to}`), element("p", "said", send.text));
      made.append(note);
    }
    if (!found.ran && !found.problem) made.append(element("p", "soft", "The executable was not run."));
    found.attempts.forEach((attempt, number) => {
      if (attempt.error) made.append(element("p", "note warn", `Answer ${number + 1} did not fit: ${attempt.error}`));
      made.append(part(`What the model said${found.attempts.length > 1 ? `, answer ${number + 1}` : ""}`, attempt.said));
    });
    made.append(part("Prompt", found.prompt, "prompt"));
    const cost = found.cost_usd === null ? "" : `, $${found.cost_usd.toFixed(4)}`;
    if (found.model) made.append(element("small", "", `${found.model}, ${found.requests} request${found.requests === 1 ? "" : "s"}, ${found.tokens} tokens${cost}, ${found.seconds.toFixed(1)} s`));
  }

  async function run(event) {
    event.preventDefault();
    if (running) return;
    say("");
    await check();
    const monitor = chosen();
    const wanted = messages();
    if (!monitor) { say("First a monitor that is right; what is wrong stands below the YAML."); yaml.focus(); return; }
    if (!wanted.length) { say("Fetch some messages, or type one."); typed.focus(); return; }
    running = new AbortController();
    const { signal } = running;
    button();
    at("stop").hidden = false;
    at("download").disabled = true;
    results.replaceChildren();
    const cards = wanted.map(card);
    let done = 0;
    const progress = () => {
      at("progress").textContent = `${done} of ${wanted.length} messages`;
      Object.assign(at("bar"), { value: done, max: wanted.length, hidden: false });
    };
    progress();
    const queue = wanted.map((message, number) => [message, cards[number]]);
    const body = { yaml: yaml.value, monitor: monitor.name, execute: at("execute").checked };
    const worker = async () => {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
        const [message, made] = next;
        badge(made, "running", "warn");
        try {
          show(made, await (await post(`${path}/run`, { ...body, message }, signal)).json());
        } catch (error) {
          badge(made, signal.aborted ? "stopped" : "failed", "bad");
          if (!signal.aborted) made.append(element("p", "note bad", error.message));
        }
        done += 1;
        progress();
      }
    };
    await Promise.all(Array.from({ length: Number(at("test").dataset.atOnce) }, worker));
    at("progress").textContent = signal.aborted ? `Stopped after ${done} of ${wanted.length} messages.` : `${done} of ${wanted.length} messages, done.`;
    running = null;
    button();
    at("stop").hidden = true;
    at("download").disabled = false;
    at("h-results").focus({ preventScroll: true });
    at("h-results").scrollIntoView({ block: "start", behavior: "smooth" });
  }

  /** One file that needs nothing else: the results as they stand, all opened, with the stylesheet in it. */
  async function download() {
    // As text, not as elements of this page: its policy would refuse the style that the file carries.
    const css = await (await fetch(document.querySelector('link[rel="stylesheet"]').href)).text();
    const title = element("title", "", `Channel monitor ${chosen() ? chosen().name : ""}`);
    const main = element("main");
    const when = new Date().toISOString().replace("T", " ").slice(0, 16);
    main.append(
      element("h1", "", title.textContent),
      element("p", "soft", `${at("progress").textContent} ${when} UTC. Nothing was posted.`),
      part("The monitor", yaml.value),
      ...[...results.children].map((one) => one.cloneNode(true)),
    );
    for (const one of main.querySelectorAll("details")) one.open = true;
    const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`
      + `<meta name="viewport" content="width=device-width, initial-scale=1">${title.outerHTML}<style>${css}</style>`;
    const text = `<!doctype html>\n<html lang="en"><head>${head}</head><body>${main.outerHTML}</body></html>\n`;
    const file = new Blob([text], { type: "text/html;charset=utf-8" });
    const link = Object.assign(element("a"), { href: URL.createObjectURL(file), download: "channel-monitor-report.html" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  let pause = 0;
  yaml.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(check, 300); });
  at("monitor").addEventListener("change", refusal);
  at("execute").addEventListener("change", refusal);
  at("fetch").addEventListener("click", fetchLast);
  at("stop").addEventListener("click", () => running && running.abort());
  at("download").addEventListener("click", download);
  at("test").addEventListener("submit", run);
  at("test").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); at("test").requestSubmit(at("run")); }
  });
  check();
})();
