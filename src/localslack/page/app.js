// The page: channels, messages, a thread, composers. State comes from the server; a change makes it read again.

import { attachment, blocks, el, emoji, mrkdwn } from "./render.js";

const $ = (id) => document.getElementById(id);
const PICKER = ["+1", "-1", "eyes", "white_check_mark", "tada", "pray", "fire", "heart", "thinking_face", "rocket", "joy", "x"];
const COLOURS = ["#4a6fa5", "#7a5c99", "#2d7d74", "#a35d3d", "#5b7f3a", "#a34a6a", "#46738c", "#8a6d2f", "#5f5fa8", "#3f7d55"];
const PAGE = 60;

const state = {
  team: "", bot: "", app: "", users: new Map(), channels: new Map(), scenarios: [], links: [], connected: 0,
  channel: null, thread: null, target: null, around: null, limit: PAGE, unread: new Set(), status: new Map(),
};

const store = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private browsing */ } },
};

async function get(path, query = {}) {
  const response = await fetch(`/client/${path}?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function act(action, body) {
  const response = await fetch(`/control/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.ok) toast(answer.error.replaceAll("_", " "));
  return answer;
}

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 3500);
}

const me = () => $("me").value;
const nameOf = (id, fallback) => {
  const user = state.users.get(id);
  return user ? user.profile.display_name || user.real_name || user.name : fallback || id;
};
const ctx = {
  get channels() { return state.channels; },
  name: nameOf,
  me,
  open: (path) => { history.pushState(null, "", path); route(); },
  click: (message, action_id, value) => act("click", { user: me(), channel: message.channel ?? state.channel, ts: message.ts, action_id, value }),
};

// Channels

const isDirect = (channel) => channel.is_im;
const label = (channel) => (isDirect(channel) ? fullName(channel.user) : channel.name);
const fullName = (id) => state.users.get(id)?.real_name || nameOf(id);

function drawChannels() {
  const groups = [
    ["Channels", [...state.channels.values()].filter((c) => !isDirect(c) && !c.is_archived)],
    ["Direct messages", [...state.channels.values()].filter(isDirect)],
    ["Archived", [...state.channels.values()].filter((c) => !isDirect(c) && c.is_archived)],
  ];
  const nodes = groups.filter(([, list]) => list.length).flatMap(([title, list]) => [
    el("div", { class: "group" }, title),
    ...list.sort((a, b) => label(a).localeCompare(label(b))).map(channelButton),
  ]);
  const person = me();
  if (person && ![...state.channels.values()].some((c) => c.is_im && c.user === person)) {
    nodes.push(el("button", { class: "channel", onclick: writeToBot }, el("span", { class: "sign" }, "+"), el("span", {}, `Write to ${nameOf(state.bot)}`)));
  }
  $("channels").replaceChildren(...nodes);
}

function channelButton(channel) {
  const sign = isDirect(channel) ? "@" : channel.is_private ? "" : channel.is_ext_shared ? "⇄" : "#";
  return el("button", {
    class: state.unread.has(channel.id) ? "channel unread" : "channel",
    "aria-current": channel.id === state.channel ? "page" : null,
    onclick: () => ctx.open(`/archives/${channel.id}`),
  }, el("span", { class: channel.is_private ? "sign lock" : "sign", "aria-hidden": "true" }, sign), el("span", {}, label(channel)),
  el("span", { class: "dot", title: state.unread.has(channel.id) ? "Unread" : "" }));
}

async function writeToBot() {
  const answer = await act("channels", { kind: "im", user: me() });
  await loadBoot();
  ctx.open(`/archives/${answer.channel}`);
}

function drawHeader() {
  const channel = state.channels.get(state.channel);
  if (!channel) return;
  $("title").textContent = (isDirect(channel) ? "" : channel.is_private ? "" : "# ") + (isDirect(channel) ? `${label(channel)} and ${nameOf(state.bot)}` : label(channel));
  const notes = [channel.is_private && !isDirect(channel) && "private", channel.topic?.value, channel.is_archived && "archived", channel.is_ext_shared && "shared with another organisation",
    !isDirect(channel) && !channel.is_member && `${nameOf(state.bot)} is not in this channel`];
  $("topic").textContent = notes.filter(Boolean).join(" · ");
  document.title = `${label(channel)} · ${state.team}`;
  $("bot").textContent = state.connected ? `${nameOf(state.bot)} is connected` : `${nameOf(state.bot)} is not connected`;
  $("bot").className = state.connected ? "bot on" : "bot";
  $("links").replaceChildren(...state.links.map((item) => el("a", { href: item.url, target: "_blank", rel: "noopener" }, item.label)));
  $("fire").hidden = !state.scenarios.length;
}

// Messages

const when = (ts) => new Date(Number(ts) * 1000);
const clock = (ts) => when(ts).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
const dayKey = (ts) => when(ts).toDateString();

function dayName(ts) {
  const today = new Date();
  const yesterday = new Date(today.getTime() - 86400000);
  if (dayKey(ts) === today.toDateString()) return "Today";
  if (dayKey(ts) === yesterday.toDateString()) return "Yesterday";
  const year = when(ts).getFullYear() === today.getFullYear() ? undefined : "numeric";
  return when(ts).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year });
}

function author(message) {
  const user = state.users.get(message.user);
  const name = message.username || user?.profile.display_name || user?.real_name || message.bot_profile?.name || message.user || message.bot_id || "unknown";
  const full = message.username || user?.real_name || name;
  return { id: message.user || message.bot_id || name, name: full, bot: Boolean(message.bot_id || user?.is_bot) };
}

function avatar(who) {
  const words = who.name.replace(/[^\p{L}\p{N}\s-]/gu, "").split(/[\s-]+/).filter(Boolean);
  const letters = (words.length > 1 ? words[0][0] + words.at(-1)[0] : who.name.slice(0, 2)).toUpperCase();
  const node = el("div", { class: "avatar", "aria-hidden": "true" }, letters);
  let hash = 0;
  for (const char of who.id) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  node.style.background = COLOURS[hash % COLOURS.length];
  return node;
}

const QUIET = new Set(["channel_join", "channel_leave", "group_join", "group_leave", "channel_name", "channel_archive", "channel_unarchive", "channel_topic", "channel_purpose", "tombstone"]);

function content(message) {
  const box = el("div", {});
  if (message.blocks?.length) box.append(...blocks(message.blocks, message, ctx));
  else if (message.text) box.append(mrkdwn(message.text, ctx));
  if (message.edited) (box.lastElementChild?.querySelector("p:last-of-type") ?? box).append(el("span", { class: "edited", title: when(message.edited.ts).toLocaleString() }, " (edited)"));
  for (const item of message.attachments ?? []) box.append(attachment(item, message, ctx));
  if (message.files?.length) box.append(el("div", { class: "files" }, ...message.files.map(fileCard)));
  return box;
}

function fileCard(file) {
  const card = el("div", { class: "file" }, el("b", {}, file.title || file.name || "file"), ` ${file.pretty_type ?? file.filetype ?? ""}`);
  if (/^image\/(png|jpeg|gif)$/.test(file.mimetype ?? "") && /^\w+$/.test(file.id)) card.append(el("img", { src: `/client/file/${file.id}`, alt: file.title ?? "", loading: "lazy" }));
  return card;
}

function reactionRow(message) {
  return el("div", { class: "reactions" }, ...(message.reactions ?? []).map((item) => {
    const mine = item.users.includes(me());
    return el("button", {
      class: mine ? "reaction mine" : "reaction", title: `${item.users.map((id) => nameOf(id)).join(", ")} :${item.name}:`,
      onclick: () => react(message, item.name, mine),
    }, `${emoji(item.name)} ${item.count ?? item.users.length}`);
  }));
}

const react = (message, name, remove) => act("reactions", { user: me(), channel: state.channel, ts: message.ts, name, remove });

function threadLink(message) {
  if (!message.reply_count) return null;
  const text = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return el("button", { class: "threadlink", onclick: () => openThread(message.ts) }, text,
    el("span", {}, `last: ${dayName(message.latest_reply)}, ${clock(message.latest_reply)}`));
}

function messageNode(message, previous, inThread) {
  const who = author(message);
  const close = previous && author(previous).id === who.id && author(previous).name === who.name && Number(message.ts) - Number(previous.ts) < 300
    && dayKey(previous.ts) === dayKey(message.ts) && !QUIET.has(previous.subtype) && !previous.reply_count && !QUIET.has(message.subtype);
  const node = el("article", { class: "msg", id: `${inThread ? "t" : "m"}${message.ts}`, "aria-label": `${who.name}, ${clock(message.ts)}` });
  if (close) node.classList.add("same");
  if (QUIET.has(message.subtype)) node.classList.add("quiet");
  if (message.ts === state.target) node.classList.add("target");
  const head = el("div", { class: "who" }, el("b", {}, who.name), who.bot ? el("span", { class: "badge" }, "APP") : null,
    el("time", { class: "time", title: when(message.ts).toLocaleString() }, clock(message.ts)),
    message.is_ephemeral ? el("span", { class: "edited" }, `only visible to ${nameOf(message.to, "you")}`) : null);
  const body = el("div", { class: "body" }, close ? null : head,
    message.subtype === "thread_broadcast" && !inThread ? el("button", { class: "threadlink", onclick: () => openThread(message.thread_ts) }, "replied to a thread") : null,
    content(message), reactionRow(message), inThread ? null : threadLink(message));
  node.append(close ? el("span", { class: "side-time" }, clock(message.ts).replace(/\s?[AP]M$/i, "")) : avatar(who), body);
  if (!message.is_ephemeral) node.append(tools(message, node, inThread));
  return node;
}

function tools(message, node, inThread) {
  const own = message.user === me() && !message.bot_id && !QUIET.has(message.subtype);
  const shortcuts = (state.shortcuts ?? []).map((item) =>
    el("button", { onclick: () => act("shortcut", { user: me(), channel: state.channel, ts: message.ts, callback_id: item.callback_id }) }, item.label));
  return el("div", { class: "tools" },
    el("button", { title: "React", "aria-label": "React", onclick: () => picker(message, node) }, "☺"),
    inThread ? null : el("button", { onclick: () => openThread(message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : message.ts) }, "Reply"),
    el("button", { onclick: () => copyLink(message) }, "Link"), ...shortcuts,
    own ? el("button", { onclick: () => editMessage(message, node) }, "Edit") : null,
    own ? el("button", { onclick: () => act("messages/delete", { channel: state.channel, ts: message.ts }) }, "Delete") : null);
}

function picker(message, node) {
  document.querySelector(".picker")?.remove();
  const choose = (name) => { box.remove(); react(message, name, (message.reactions ?? []).some((r) => r.name === name && r.users.includes(me()))); };
  const box = el("div", { class: "picker" }, ...PICKER.map((name) => el("button", { title: name, "aria-label": name, onclick: () => choose(name) }, emoji(name))));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); box.remove(); } });
  node.append(box);
  const floor = node.closest(".scroll").getBoundingClientRect().bottom;
  if (box.getBoundingClientRect().bottom > floor) box.classList.add("above");
  box.querySelector("button").focus({ preventScroll: true });
}

async function copyLink(message) {
  const thread = message.thread_ts && message.thread_ts !== message.ts ? `?thread_ts=${message.thread_ts}&cid=${state.channel}` : "";
  const url = `${location.origin}/archives/${state.channel}/p${message.ts.replace(".", "")}${thread}`;
  try { await navigator.clipboard.writeText(url); toast("Link copied"); } catch { toast(url); }
}

function editMessage(message, node) {
  const area = el("textarea", { rows: 3, "aria-label": "Edit message" });
  area.value = typedForm(message.text);
  const form = el("form", { class: "composer" }, area, el("div", { class: "row" }, el("small", {}, "Enter saves, Escape cancels"), el("button", { class: "primary" }, "Save")));
  const save = async () => { await act("messages/edit", { channel: state.channel, ts: message.ts, text: area.value, typed: true }); refresh(); };
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); save(); }
    if (event.key === "Escape") { event.stopPropagation(); refresh(); }
  });
  node.querySelector(".body").replaceChildren(form);
  area.focus();
}

const typedForm = (text) => text.replace(/<@(\w+)(\|[^>]*)?>/g, (all, id) => "@" + (state.users.get(id)?.name ?? id))
  .replace(/<#\w+\|([^>]+)>/g, "#$1").replace(/<!(here|channel|everyone)>/g, "@$1").replace(/<([^<>|]+)(\|[^>]*)?>/g, "$1")
  .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function draw(box, messages, inThread) {
  const nodes = [];
  messages.forEach((message, index) => {
    const previous = messages[index - 1];
    const newDay = !previous || dayKey(previous.ts) !== dayKey(message.ts);
    if (newDay && !inThread) nodes.push(el("div", { class: "day" }, dayName(message.ts)));
    nodes.push(messageNode(message, newDay ? null : previous, inThread));
  });
  box.replaceChildren(...nodes);
}

function statusLine(thread_ts) {
  const status = state.status.get(`${state.channel} ${thread_ts}`);
  return status ? el("div", { class: "status", role: "status" }, `${nameOf(state.bot)} ${status}`) : null;
}

let reading = 0;
async function refresh({ stick = null } = {}) {
  const ticket = ++reading;
  const channel = state.channel;
  if (!channel) return;
  const query = { channel, limit: state.limit, ...(state.around ? { around: state.around } : {}) };
  const [page, thread] = await Promise.all([get("messages", query), state.thread ? get("thread", { channel, ts: state.thread }) : null]);
  if (ticket !== reading || document.querySelector(".msg .composer")?.contains(document.activeElement)) return;
  const box = $("messages");
  const bottom = stick ?? box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const top = box.scrollTop;
  const notes = page.ephemerals.filter((note) => !note.to || note.to === me());
  const shown = [...page.messages, ...notes.filter((note) => !note.thread_ts)].sort((a, b) => Number(a.ts) - Number(b.ts));
  draw(box, shown, false);
  if (!shown.length) box.append(el("p", { class: "note" }, "No messages here yet."));
  for (const root of shown) { const line = statusLine(root.ts); if (line && !state.thread) $(`m${root.ts}`)?.after(line); }
  if (page.more) box.prepend(el("button", { class: "btn more", onclick: older }, "Show earlier messages"));
  box.scrollTop = bottom ? box.scrollHeight : top;
  if (thread) drawThread(thread, notes.filter((note) => note.thread_ts === state.thread));
}

function drawThread(thread, notes) {
  const box = $("replies");
  const bottom = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  if (thread.status) state.status.set(`${state.channel} ${state.thread}`, thread.status);
  draw(box, [...thread.messages, ...notes], true);
  if (thread.messages.length > 1) box.children[0].after(el("div", { class: "day" }, thread.messages.length === 2 ? "1 reply" : `${thread.messages.length - 1} replies`));
  const line = statusLine(state.thread);
  if (line) box.append(line);
  if (bottom) box.scrollTop = box.scrollHeight;
}

async function older() {
  const box = $("messages");
  const fromBottom = box.scrollHeight - box.scrollTop;
  state.limit = Math.min(500, state.limit + PAGE * 2);
  await refresh({ stick: false });
  box.scrollTop = box.scrollHeight - fromBottom;
}

let due = null;
function refreshSoon() { due ??= setTimeout(() => { due = null; refresh().catch(() => {}); }, 60); }

// Threads

function openThread(ts) {
  history.pushState(null, "", `/archives/${state.channel}/p${ts.replace(".", "")}?thread_ts=${ts}&cid=${state.channel}`);
  route({ quiet: true });
  $("reply").querySelector("textarea").focus();
}

function closeThread() {
  state.thread = state.target = state.around = null;
  $("thread").hidden = true;
  history.pushState(null, "", `/archives/${state.channel}`);
  refresh();
}

// Composers

function composer(form, { placeholder, thread }) {
  const area = el("textarea", { rows: 1, placeholder, "aria-label": placeholder });
  const also = thread ? el("label", {}, el("input", { type: "checkbox" }), "also in the channel") : null;
  const chip = el("button", { type: "button", class: "chip", onclick: () => insert(area, `@${state.users.get(state.bot).name} `) }, `@${nameOf(state.bot)}`);
  const send = el("button", { class: "primary" }, "Send");
  form.replaceChildren(area, el("div", { class: "row" }, chip, el("small", {}, thread ? "" : "Enter sends, Shift+Enter starts a line"), also, send));
  const submit = async () => {
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    grow();
    const answer = await act("messages", { user: me(), channel: state.channel, text, typed: true, ...(thread ? { thread_ts: state.thread, broadcast: also.firstChild.checked } : {}) });
    if (!answer.ok) area.value = text;
    if (also) also.firstChild.checked = false;
    refresh(thread ? {} : { stick: true });
  };
  const grow = () => { area.style.height = "auto"; area.style.height = `${area.scrollHeight}px`; };
  const suggest = suggestions(form, area);
  area.addEventListener("input", () => { grow(); suggest.update(); });
  area.addEventListener("keydown", (event) => {
    if (suggest.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
  });
  form.onsubmit = (event) => { event.preventDefault(); submit(); };
}

function insert(area, text) {
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.focus();
}

function suggestions(form, area) {
  let box = null;
  let at = 0;
  const close = () => { box?.remove(); box = null; };
  const prefix = () => /(?:^|\s)@([\w.-]*)$/.exec(area.value.slice(0, area.selectionStart));
  const take = (user) => {
    const start = area.selectionStart - prefix()[1].length;
    area.setRangeText(`${user.name} `, start, area.selectionStart, "end");
    close();
    area.focus();
  };
  const update = () => {
    close();
    const found = prefix();
    if (!found) return;
    const wanted = found[1].toLowerCase();
    const people = [...state.users.values()].filter((u) => !u.deleted && (u.name.toLowerCase().startsWith(wanted) || u.real_name.toLowerCase().startsWith(wanted)))
      .sort((a, b) => (b.id === state.bot) - (a.id === state.bot)).slice(0, 6);
    if (!people.length) return;
    at = 0;
    box = el("div", { class: "suggest", role: "listbox" }, ...people.map((user, index) =>
      el("button", { type: "button", role: "option", "aria-selected": String(index === 0), onclick: () => take(user) }, user.real_name, el("small", {}, `@${user.name}`))));
    box.people = people;
    form.append(box);
  };
  const key = (event) => {
    if (!box) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + box.people.length) % box.people.length;
      [...box.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
    } else if (event.key === "Enter" || event.key === "Tab") take(box.people[at]);
    else if (event.key === "Escape") { event.stopPropagation(); close(); } else return false;
    event.preventDefault();
    return true;
  };
  area.addEventListener("blur", () => setTimeout(close, 150));
  return { update, key };
}

// Scenarios and forms

function showScenarios() {
  const dialog = $("scenarios");
  const fire = async (scenario, step) => {
    dialog.close();
    const answer = await act("scenarios/fire", { scenario: scenario.id, step });
    if (answer.ok && answer.channel !== state.channel) ctx.open(`/archives/${answer.channel}`);
    else { state.around = null; refresh({ stick: true }); }
  };
  dialog.replaceChildren(el("h2", {}, "Fire an alert"), el("p", {}, "Posts what the alerting tool would post."),
    ...state.scenarios.map((scenario) => el("div", { class: "scenario" },
      el("p", {}, scenario.label, el("small", {}, `#${String(scenario.channel).replace(/^#/, "")}`)),
      el("div", { class: "actions" }, ...scenario.steps.map((step, index) =>
        el("button", { class: index ? "btn" : "btn go", onclick: () => fire(scenario, index) }, step.label))))));
  dialog.showModal();
}

function inputNode(block) {
  const element = block.element ?? {};
  const options = element.options ?? [];
  const node = options.length
    ? el("select", {}, ...options.map((option) => el("option", { value: option.value }, option.text?.text ?? option.value)))
    : el(element.multiline ? "textarea" : "input", { rows: element.multiline ? 6 : null });
  if (element.initial_value) node.value = element.initial_value;
  node.state = () => options.length
    ? { type: element.type, selected_option: options.find((option) => option.value === node.value) ?? null }
    : { type: element.type, value: node.value || null };
  return node;
}

async function showView(id) {
  const response = await (await fetch("/control/state")).json();
  const found = response.views.find((view) => view.id === id);
  if (!found || found.user !== me() || found.view.type !== "modal" || !found.open) return;
  const dialog = $("modal");
  const inputs = [];
  const parts = (found.view.blocks ?? []).map((block) => {
    if (block.type !== "input") return blocks([block], { ts: "0" }, ctx)[0];
    const node = inputNode(block);
    inputs.push([block, node]);
    return el("label", {}, block.label?.text ?? "", node);
  });
  const form = el("form", { class: "inputs" }, ...parts, el("div", { class: "row" },
    el("button", { type: "button", class: "btn", onclick: () => dialog.close() }, found.view.close?.text ?? "Cancel"),
    found.view.submit ? el("button", { class: "primary" }, found.view.submit.text) : null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = {};
    for (const [block, node] of inputs) (values[block.block_id ?? "input"] ??= {})[block.element.action_id ?? "value"] = node.state();
    dialog.close();
    act("submit", { user: me(), view_id: id, values });
  });
  dialog.replaceChildren(el("h2", {}, found.view.title?.text ?? ""), form);
  dialog.showModal();
}

// Where we are, and what changed

function route({ quiet = false } = {}) {
  const found = /^\/archives\/([A-Z0-9]+)(?:\/p(\d{10})(\d{6}))?/.exec(location.pathname);
  const query = new URLSearchParams(location.search);
  const wanted = found && state.channels.has(found[1]) ? found[1] : null;
  const first = [...state.channels.values()].find((c) => /alert/.test(c.name ?? "") && !c.is_archived) ?? [...state.channels.values()][0];
  const channel = wanted ?? state.channel ?? first?.id;
  const moved = channel !== state.channel;
  state.channel = channel;
  state.target = wanted && found[2] && !quiet ? `${found[2]}.${found[3]}` : null;
  state.thread = wanted ? query.get("thread_ts") : null;
  state.around = quiet ? state.around : state.thread ?? state.target;
  if (moved) state.limit = PAGE;
  state.unread.delete(channel);
  store.set(`read ${channel}`, String(Date.now() / 1000));
  document.body.classList.remove("menu");
  show(moved && !state.target);
}

async function show(stick) {
  const channel = state.channels.get(state.channel);
  if (!channel) return;
  drawChannels();
  drawHeader();
  $("thread").hidden = !state.thread;
  $("thread-in").textContent = label(channel);
  composer($("composer"), { placeholder: `Message ${isDirect(channel) ? nameOf(state.bot) : "#" + label(channel)}`, thread: false });
  if (state.thread && $("reply").dataset.thread !== state.thread) {
    $("reply").dataset.thread = state.thread;
    composer($("reply"), { placeholder: "Reply in the thread", thread: true });
  }
  await refresh({ stick: stick ? true : null });
  const marked = state.target && ($(`t${state.target}`) ?? $(`m${state.target}`));
  marked?.scrollIntoView({ block: "center" });
  if (state.thread && state.target) $(`m${state.thread}`)?.scrollIntoView({ block: "center" });
}

async function loadBoot() {
  const boot = await get("boot");
  const person = $("me").value || store.get("me");
  Object.assign(state, { team: boot.team, bot: boot.bot, app: boot.app_id, scenarios: boot.scenarios, links: boot.links, connected: boot.connected, shortcuts: boot.shortcuts });
  state.users = new Map(boot.users.map((user) => [user.id, user]));
  state.channels = new Map(boot.channels.map((channel) => [channel.id, channel]));
  $("team").textContent = boot.team;
  const people = boot.users.filter((user) => !user.is_bot && !user.deleted && user.id !== "USLACKBOT");
  $("me").replaceChildren(...people.map((user) => el("option", { value: user.id }, user.real_name)));
  $("me").value = people.some((user) => user.id === person) ? person : people[0]?.id ?? "";
  for (const channel of boot.channels) {
    const read = Number(store.get(`read ${channel.id}`) ?? 0);
    if (read && Number(channel.latest) > read && channel.id !== state.channel) state.unread.add(channel.id);
  }
}

function onChange(change) {
  if (change.what === "status") {
    const key = `${change.channel} ${change.thread_ts}`;
    if (change.status) state.status.set(key, change.status); else state.status.delete(key);
  }
  if (["users", "channels", "links", "reload"].includes(change.what)) loadBoot().then(() => { drawChannels(); drawHeader(); });
  if (change.what === "connected") { state.connected = change.count; drawHeader(); }
  if (change.what === "view") showView(change.view);
  if (change.what === "message") {
    state.status.delete(`${change.channel} ${change.thread_ts ?? change.ts}`);
    if (change.channel !== state.channel && (!change.thread_ts || change.thread_ts === change.ts)) { state.unread.add(change.channel); drawChannels(); }
    if (change.channel === state.channel) store.set(`read ${change.channel}`, String(Date.now() / 1000));
  }
  if (!change.channel || change.channel === state.channel) refreshSoon();
}

function listen() {
  const source = new EventSource("/client/stream");
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  let lost = false;
  source.onerror = () => { lost = true; };
  source.onopen = () => { if (lost) { lost = false; loadBoot().then(() => route()); } };
}

function keys(event) {
  const typing = /TEXTAREA|INPUT|SELECT/.test(document.activeElement?.tagName ?? "");
  if (event.key === "Escape" && document.querySelector(".picker")) document.querySelector(".picker").remove();
  else if (event.key === "Escape" && !document.querySelector("dialog[open]") && state.thread) closeThread();
  else if ((event.ctrlKey || event.metaKey) && event.key === "k") { event.preventDefault(); document.body.classList.add("menu"); $("channels").querySelector("button")?.focus(); }
  else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const list = [...$("channels").querySelectorAll(".channel")];
    const at = list.findIndex((node) => node.hasAttribute("aria-current"));
    event.preventDefault();
    list[(at + (event.key === "ArrowDown" ? 1 : -1) + list.length) % list.length]?.click();
  } else if (event.key === "/" && !typing) { event.preventDefault(); $("composer").querySelector("textarea").focus(); }
}

function theme(next) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = next ?? (now === "dark" ? "light" : "dark");
  store.set("theme", document.documentElement.dataset.theme);
}

async function start() {
  if (store.get("theme")) theme(store.get("theme"));
  await loadBoot();
  $("me").addEventListener("change", () => { store.set("me", me()); drawChannels(); refresh(); });
  $("theme").addEventListener("click", () => theme());
  $("menu").addEventListener("click", () => document.body.classList.toggle("menu"));
  $("main").addEventListener("click", (event) => { if (event.target !== $("menu")) document.body.classList.remove("menu"); });
  $("fire").addEventListener("click", showScenarios);
  $("thread-close").addEventListener("click", closeThread);
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("click", (event) => { if (!event.target.closest(".picker, .tools")) document.querySelector(".picker")?.remove(); });
  document.addEventListener("keydown", keys);
  addEventListener("popstate", () => route());
  listen();
  route();
}

start();
