// Slack's text and blocks as DOM nodes. Everything enters the page as text nodes or checked attributes:
// there is no innerHTML anywhere, so no message can become markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

export const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️",
  x: "❌", tada: "🎉", fire: "🔥", rocket: "🚀", heart: "❤️", pray: "🙏", thinking_face: "🤔", warning: "⚠️",
  rotating_light: "🚨", bulb: "💡", bug: "🐛", wrench: "🔧", hammer_and_wrench: "🛠️", memo: "📝", books: "📚",
  book: "📖", mag: "🔍", link: "🔗", clock1: "🕐", hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", bar_chart: "📊", robot_face: "🤖", wave: "👋",
  clap: "👏", raised_hands: "🙌", ok_hand: "👌", muscle: "💪", point_up: "☝️", point_right: "👉", sob: "😭", joy: "😂",
  smile: "😄", slightly_smiling_face: "🙂", grin: "😁", sweat_smile: "😅", wink: "😉", upside_down_face: "🙃",
  sunglasses: "😎", scream: "😱", facepalm: "🤦", shrug: "🤷", see_no_evil: "🙈", skull: "💀", ghost: "👻", coffee: "☕",
  beer: "🍺", pizza: "🍕", cake: "🍰", gift: "🎁", star: "⭐", sparkles: "✨", zap: "⚡", boom: "💥", snail: "🐌",
  turtle: "🐢", lock: "🔒", key: "🔑", bell: "🔔", no_bell: "🔕", mega: "📣", loudspeaker: "📢", calendar: "📅",
  construction: "🚧", red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢",
  large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️",
  question: "❓", exclamation: "❗", information_source: "ℹ️", 100: "💯", lgtm: "✅", no_entry: "⛔", ambulance: "🚑",
  fire_engine: "🚒", floppy_disk: "💾", package: "📦", recycle: "♻️", wastebasket: "🗑️", computer: "💻", phone: "☎️",
  email: "📧", crossed_fingers: "🤞", melting_face: "🫠", saluting_face: "🫡", party_popper: "🎉", partying_face: "🥳",
  sleeping: "😴", zzz: "💤", moon: "🌙", sunny: "☀️", ship: "🚢", gear: "⚙️", pushpin: "📌", speech_balloon: "💬",
};

// A machine without an emoji font shows boxes; there the shortcode says more.
const drawn = new Map();
function canDraw(symbol) {
  if (!drawn.has(symbol)) {
    const picture = (text) => {
      const pen = Object.assign(document.createElement("canvas"), { width: 20, height: 20 }).getContext("2d", { willReadFrequently: true });
      pen.font = "14px system-ui, sans-serif";
      pen.fillText(text, 0, 15);
      return pen.getImageData(0, 0, 20, 20).data.join();
    };
    drawn.set(symbol, picture([...symbol][0]) !== picture("\u{10FFFD}"));
  }
  return drawn.get(symbol);
}

export function emoji(name) {
  const symbol = EMOJI[name.split("::")[0]];
  return symbol && canDraw(symbol) ? symbol : `:${name}:`;
}
const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

export function link(url, label, ctx) {
  let target;
  try { target = new URL(url, location.origin); } catch { return document.createTextNode(label); }
  if (!["http:", "https:", "mailto:"].includes(target.protocol)) return document.createTextNode(label);
  const node = el("a", { href: target.href, rel: "noreferrer noopener", target: "_blank" }, label);
  const inside = target.pathname.match(/^\/archives\/([A-Z0-9]+)(\/p(\d{16}))?$/);
  if (inside && ctx.channels.has(inside[1])) {
    node.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      ctx.open(target.pathname + target.search);
    });
  }
  return node;
}

// mrkdwn

const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+'-]+(?:::[a-z0-9-]+)?):|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])/;

function inline(text, ctx, into) {
  let rest = text;
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) { into.append(unescape(rest)); break; }
    into.append(unescape(rest.slice(0, found.index)));
    const [whole, code, angle, shortcode, bold, italic, strike] = found;
    if (code != null) into.append(el("code", {}, unescape(code)));
    else if (angle != null) into.append(special(angle, ctx));
    else if (shortcode != null) into.append(emoji(shortcode));
    else into.append(wrapped(bold != null ? "b" : italic != null ? "i" : "s", bold ?? italic ?? strike, ctx));
    rest = rest.slice(found.index + whole.length);
  }
  return into;
}

const wrapped = (tag, text, ctx) => inline(text, ctx, el(tag));

function mention(label, mine) {
  return el("span", { class: mine ? "mention me" : "mention" }, label);
}

function special(inside, ctx) {
  const [head, label] = [inside.split("|")[0], inside.split("|").slice(1).join("|")];
  if (head.startsWith("@")) return mention("@" + ctx.name(head.slice(1), label), head.slice(1) === ctx.me());
  if (head.startsWith("#")) {
    const channel = ctx.channels.get(head.slice(1));
    return link(`/archives/${head.slice(1)}`, "#" + (channel?.name ?? label ?? head.slice(1)), ctx);
  }
  if (head.startsWith("!date^")) return el("span", {}, unescape(dateText(head, label)));
  if (head.startsWith("!subteam^")) return mention(unescape(label || "@group"));
  if (head.startsWith("!")) return mention("@" + unescape(label || head.slice(1)));
  if (!/^[a-z][a-z0-9+.-]*:/i.test(head)) return document.createTextNode(unescape(`<${inside}>`));
  return link(unescape(head), unescape(label || head.replace(/^mailto:/, "")), ctx);
}

function dateText(head, fallback) {
  const [, seconds, format] = head.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || !format) return fallback;
  const date = at.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return format.replace(/\{time\w*\}/g, time).replace(/\{date\w*\}|\{ago\}/g, date);
}

export function mrkdwn(text, ctx) {
  const box = el("div", { class: "text" });
  String(text).split(/```/).forEach((part, index) => {
    if (index % 2) box.append(el("pre", {}, el("code", {}, unescape(part.replace(/^\n|\n$/g, "").replace(/<([^|<>]+)(\|[^<>]*)?>/g, "$1")))));
    else if (part) lines(part.replace(/^\n|\n$/g, ""), ctx, box);
  });
  return box;
}

function lines(text, ctx, box) {
  let quote = null;
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) box.append((quote = el("blockquote")));
      quote.append(inline(quoted[1], ctx, el("p")));
      continue;
    }
    quote = null;
    box.append(line ? inline(line, ctx, el("p")) : el("p", {}, "\u00a0"));
  }
}

// Standard Markdown, as a `markdown` block carries it

const MD_INLINE = /`([^`\n]+)`|\[([^\]\n]+)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)|<([^<>\n]+)>|(https?:\/\/[^\s<>()]+)|\*\*(?=\S)(.+?)(?<=\S)\*\*|~~(.+?)~~|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)|:([a-z0-9_+'-]+):/;

function mdInline(text, ctx, into) {
  let rest = text;
  while (rest) {
    const found = MD_INLINE.exec(rest);
    if (!found) { into.append(unescape(rest)); break; }
    into.append(unescape(rest.slice(0, found.index)));
    const [whole, code, label, url, angle, bare, bold, strike, star, under, shortcode] = found;
    if (code != null) into.append(el("code", {}, unescape(code)));
    else if (label != null) into.append(link(unescape(url), unescape(label), ctx));
    else if (angle != null) into.append(/^(@|#|!|https?:|mailto:)/.test(angle) ? special(angle, ctx) : unescape(whole));
    else if (bare != null) into.append(link(bare, bare, ctx));
    else if (shortcode != null) into.append(emoji(shortcode));
    else into.append(mdInline(bold ?? strike ?? star ?? under, ctx, el(bold != null ? "b" : strike != null ? "s" : "i")));
    rest = rest.slice(found.index + whole.length);
  }
  return into;
}

export function markdown(text, ctx) {
  const box = el("div", { class: "text md" });
  const rows = String(text).replace(/\r/g, "").split("\n");
  for (let i = 0; i < rows.length;) i = mdBlock(rows, i, ctx, box);
  return box;
}

const LIST = /^(\s*)([-*•]|\d+[.)])\s+(.*)$/;

function mdBlock(rows, i, ctx, box) {
  const row = rows[i];
  if (!row.trim()) return i + 1;
  if (/^\s*(```|~~~)/.test(row)) {
    let end = i + 1;
    while (end < rows.length && !/^\s*(```|~~~)/.test(rows[end])) end++;
    box.append(el("pre", {}, el("code", {}, rows.slice(i + 1, end).join("\n"))));
    return end + 1;
  }
  const heading = /^(#{1,6})\s+(.*)$/.exec(row);
  if (heading) { box.append(mdInline(heading[2], ctx, el("h" + Math.min(5, heading[1].length + 2)))); return i + 1; }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) { box.append(el("hr")); return i + 1; }
  if (/^\s*>/.test(row)) {
    let end = i;
    while (end < rows.length && /^\s*>/.test(rows[end])) end++;
    const quote = el("blockquote");
    const inner = rows.slice(i, end).map((line) => line.replace(/^\s*> ?/, ""));
    for (let j = 0; j < inner.length;) j = mdBlock(inner, j, ctx, quote);
    box.append(quote);
    return end;
  }
  if (/^\s*\|.*\|\s*$/.test(row) && /^\s*\|[\s:|-]+\|\s*$/.test(rows[i + 1] ?? "")) return mdTable(rows, i, ctx, box);
  if (LIST.test(row)) return mdList(rows, i, ctx, box);
  let end = i + 1;
  while (end < rows.length && rows[end].trim() && !/^\s*(```|~~~|>|#{1,6}\s)/.test(rows[end]) && !LIST.test(rows[end])) end++;
  box.append(mdInline(rows.slice(i, end).join("\n"), ctx, el("p")));
  return end;
}

function mdTable(rows, i, ctx, box) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const table = el("table", {}, el("tr", {}, ...cells(rows[i]).map((cell) => mdInline(cell, ctx, el("th")))));
  let end = i + 2;
  for (; end < rows.length && /^\s*\|/.test(rows[end]); end++)
    table.append(el("tr", {}, ...cells(rows[end]).map((cell) => mdInline(cell, ctx, el("td")))));
  box.append(table);
  return end;
}

function mdList(rows, i, ctx, box) {
  const [, indent, sign] = LIST.exec(rows[i]);
  const ordered = /\d/.test(sign);
  const list = el(ordered ? "ol" : "ul", ordered ? { start: parseInt(sign, 10) } : {});
  box.append(list);
  let item = null;
  while (i < rows.length) {
    const found = LIST.exec(rows[i]);
    if (found && found[1].length > indent.length && item) { i = mdList(rows, i, ctx, item); continue; }
    if (found && found[1].length === indent.length && /\d/.test(found[2]) === ordered) {
      list.append((item = mdInline(found[3], ctx, el("li"))));
    } else if (!found && item && /^\s+\S/.test(rows[i])) {
      item.append("\n");
      mdInline(rows[i].trim(), ctx, item);
    } else break;
    i++;
  }
  return i;
}

// Blocks and attachments

const textObject = (object, ctx) =>
  object?.type === "mrkdwn" ? mrkdwn(object.text, ctx) : el("div", { class: "text" }, withEmoji(object?.text ?? ""));
const withEmoji = (text) => String(text).replace(/:([a-z0-9_+-]+):/g, (all, name) => (EMOJI[name] ? emoji(name) : all));

function button(element, block, message, ctx) {
  const style = { primary: "btn go", danger: "btn danger" }[element.style] ?? "btn";
  const node = el("button", { type: "button", class: style }, withEmoji(element.text?.text ?? "…"));
  node.addEventListener("click", () => {
    node.classList.add("done");
    ctx.click(message, element.action_id, element.value);
    if (/^https?:/.test(element.url ?? "")) window.open(element.url, "_blank", "noopener,noreferrer");
  });
  return node;
}

function interactive(element, block, message, ctx) {
  if (element.type === "button") return button(element, block, message, ctx);
  if (element.type === "feedback_buttons")
    return el("span", { class: "actions" }, ...[element.positive_button, element.negative_button].map((side) =>
      button({ ...side, action_id: element.action_id }, block, message, ctx)));
  if (element.options) {
    const select = el("select", { class: "btn", "aria-label": element.placeholder?.text ?? "Choose" },
      el("option", { value: "" }, element.placeholder?.text ?? "Choose"),
      ...element.options.map((option) => el("option", { value: option.value }, option.text?.text ?? option.value)));
    select.addEventListener("change", () => ctx.click(message, element.action_id, select.value));
    return select;
  }
  return el("span", { class: "small" }, `[${element.type}]`);
}

function richElement(element, ctx) {
  const style = element.style ?? {};
  let node = {
    text: () => document.createTextNode(element.text ?? ""),
    link: () => link(element.url ?? "", element.text || element.url || "", ctx),
    user: () => mention("@" + ctx.name(element.user_id), element.user_id === ctx.me()),
    channel: () => link(`/archives/${element.channel_id}`, "#" + (ctx.channels.get(element.channel_id)?.name ?? "channel"), ctx),
    broadcast: () => mention("@" + element.range),
    emoji: () => document.createTextNode(emoji(element.name ?? "")),
  }[element.type]?.() ?? document.createTextNode("");
  if (style.code) node = el("code", {}, node);
  if (style.bold) node = el("b", {}, node);
  if (style.italic) node = el("i", {}, node);
  if (style.strike) node = el("s", {}, node);
  return node;
}

function richText(part, ctx) {
  const inside = (part.elements ?? []).map((element) => part.type === "rich_text_list" ? el("li", {}, richText(element, ctx)) : richElement(element, ctx));
  if (part.type === "rich_text_list") return el(part.style === "ordered" ? "ol" : "ul", {}, ...inside);
  if (part.type === "rich_text_preformatted") return el("pre", {}, el("code", {}, ...inside));
  if (part.type === "rich_text_quote") return el("blockquote", {}, ...inside);
  return el("p", {}, ...inside);
}

const BLOCKS = {
  section: (block, message, ctx) => el("div", { class: "section" },
    el("div", { class: "text" }, block.text ? textObject(block.text, ctx) : null,
      block.fields ? el("div", { class: "fields" }, ...block.fields.map((field) => textObject(field, ctx))) : null),
    block.accessory ? interactive(block.accessory, block, message, ctx) : null),
  header: (block) => el("div", { class: "head" }, withEmoji(block.text?.text ?? "")),
  divider: () => el("hr"),
  markdown: (block, message, ctx) => markdown(block.text, ctx),
  context: (block, message, ctx) => el("div", { class: "context" }, ...(block.elements ?? []).map((item) =>
    item.type === "image" ? el("span", {}, item.alt_text ?? "") : textObject(item, ctx))),
  actions: (block, message, ctx) => el("div", { class: "actions" }, ...(block.elements ?? []).map((item) => interactive(item, block, message, ctx))),
  rich_text: (block, message, ctx) => el("div", { class: "text" }, ...(block.elements ?? []).map((part) => richText(part, ctx))),
  image: (block, message, ctx) => el("p", { class: "small" }, block.title?.text ?? "", " ", link(block.image_url ?? "", block.alt_text ?? "image", ctx)),
  table: (block, message, ctx) => el("table", {}, ...(block.rows ?? []).map((row) => el("tr", {}, ...row.map((cell) =>
    el("td", {}, cell.type === "rich_text" ? BLOCKS.rich_text(cell, message, ctx) : String(cell.text ?? "")))))),
};
BLOCKS.context_actions = BLOCKS.actions;

export function blocks(list, message, ctx) {
  return (list ?? []).map((block) => BLOCKS[block.type]?.(block, message, ctx) ?? el("p", { class: "small" }, `[${block.type}]`));
}

export function attachment(item, message, ctx) {
  const box = el("div", { class: "att" });
  if (/^[0-9a-f]{3,8}$/i.test(item.color ?? "")) box.style.borderLeftColor = "#" + item.color;
  if (item.author_name) box.append(el("div", { class: "small" }, unescape(item.author_name)));
  const title = unescape(String(item.title ?? ""));
  if (title) box.append(el("div", { class: "title" }, item.title_link ? link(unescape(item.title_link), title, ctx) : title));
  if (item.text) box.append(mrkdwn(item.text, ctx));
  if (item.fields?.length) box.append(el("div", { class: "fields" }, ...item.fields.map((field) =>
    el("div", { class: field.short ? "" : "wide" }, field.title ? el("b", {}, unescape(String(field.title))) : null, mrkdwn(field.value ?? "", ctx)))));
  box.append(...blocks(item.blocks, message, ctx));
  if (item.actions?.length) box.append(el("div", { class: "actions" }, ...item.actions.map((action) =>
    action.url ? link(action.url, withEmoji(action.text ?? ""), ctx) : el("span", { class: "btn done" }, withEmoji(action.text ?? "")))));
  if (!box.textContent && item.fallback) box.append(mrkdwn(item.fallback, ctx));
  if (item.footer) box.append(el("div", { class: "small" }, unescape(item.footer)));
  const pretext = item.pretext ? mrkdwn(item.pretext, ctx) : null;
  return el("div", {}, pretext, box);
}
