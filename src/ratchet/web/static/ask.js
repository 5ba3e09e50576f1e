// Asks without leaving the page, and shows what the assistant looks at. Without it the form does the same.
"use strict";

(() => {
  const at = (id) => document.getElementById(id);
  const form = at("ask"), question = at("question"), send = at("send"), stop = at("stop");
  let running = null;

  const say = (text) => { at("wrong").textContent = text; at("wrong").hidden = !text; };

  const show = (line) => {
    if (line.doing) at("doing").append(ratchet.element("li", "", `${line.doing} …`));
    if (line.wrong) { say(line.wrong); at("result").hidden = true; }
    if (line.html !== undefined) {
      // Made by our server from Markdown with HTML off.
      at("answer").innerHTML = line.html;
      at("footer").textContent = line.footer;
      at("doing").replaceChildren();
      at("h-answer").focus({ preventScroll: true });
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running || !question.value.trim()) return;
    running = new AbortController();
    send.disabled = true;
    stop.hidden = false;
    say("");
    at("answer").replaceChildren();
    at("footer").textContent = "";
    at("doing").replaceChildren(ratchet.element("li", "", "Thinking …"));
    at("result").hidden = false;
    try {
      const answer = await ratchet.post("/ask/stream", { question: question.value }, running.signal);
      let last = {};
      for await (const line of ratchet.lines(answer)) show((last = line));
      if (last.html === undefined && !last.wrong) throw new Error("It ended without an answer; the log says why.");
    } catch (error) {
      at("result").hidden = true;
      if (error.name !== "AbortError") say(error.message);
    } finally {
      running = null;
      send.disabled = false;
      stop.hidden = true;
    }
  });

  stop.addEventListener("click", () => { if (running) running.abort(); });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });
})();
