// What the page can do without a script, it does without one: this adds keys, a search while typing, and news while nobody types.
"use strict";

document.documentElement.classList.add("js");

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const news = find("#news");

// The token is in the part of the address that no browser sends; it leaves the address, and the history, at once.
const enter = find("#enter");
if (location.hash.length > 1) {
    const token = location.hash.slice(1);
    history.replaceState(null, "", location.pathname + location.search);
    if (enter) {
        enter.token.value = token;
        enter.requestSubmit();
    }
}

function tell(text, action) {
    if (news.dataset.text === text)
        return;
    news.dataset.text = text;
    news.replaceChildren();
    if (!text)
        return;
    const line = document.createElement("p");
    line.textContent = text;
    if (action) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = action.name;
        button.addEventListener("click", action.does);
        line.append(" ", button);
    }
    news.append(line);
}

async function load(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.status === 401)
        throw new Error("another page answers");
    return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Replaces parts of the page by the same parts of a newer one.
function take(page, selectors) {
    for (const selector of selectors) {
        const [old, fresh] = [find(selector), find(selector, page)];
        if (old && fresh)
            old.replaceWith(document.adoptNode(fresh));
    }
}

// ---- News ----

const isTouched = () => all("main input, main textarea").some(field => field.type === "checkbox"
    ? field.checked !== field.defaultChecked
    : field.type !== "hidden" && field.value !== field.defaultValue) || find("main details[open]") !== null
    || find("main form[data-confirm]") !== null;

async function refresh() {
    const page = await load(location.href.replace(/([?&])said=\d+/, "$1"));
    const at = document.activeElement?.closest("[data-card]")?.getAttribute("aria-labelledby");
    const message = find("main .said");
    take(page, ["header nav", "main"]);
    if (message && !find("main .said"))
        find("main").prepend(message);
    document.title = page.title;
    showKeys();
    if (at)
        find(`[aria-labelledby="${CSS.escape(at)}"]`)?.focus();
    tell("");
}

const pause = time => new Promise(done => setTimeout(done, time));
const whenVisible = () => document.visibilityState === "visible"
    ? Promise.resolve()
    : new Promise(done => document.addEventListener("visibilitychange", done, { once: true }));

async function follow() {
    let failures = 0;
    for (;;) {
        await whenVisible();
        const seen = find("main")?.dataset.live;
        if (!seen)
            return;
        // A browser has six connections to a page: one that nobody looks at gives its own back.
        const hidden = new AbortController();
        const hide = () => document.visibilityState === "hidden" && hidden.abort();
        document.addEventListener("visibilitychange", hide);
        try {
            const answer = await fetch("/live?seen=" + encodeURIComponent(seen), { signal: hidden.signal });
            if (!answer.ok)
                throw new Error(`${answer.status}`);
            const now = await answer.text();
            failures = 0;
            if (now === "down") {
                tell("The daemon does not answer. The page goes on when it does.");
                await pause(1000);
            } else if (now !== seen || news.dataset.text?.startsWith("The daemon")) {
                if (isTouched() && now !== seen) {
                    find("main").dataset.live = now;
                    tell("Something has changed.", { name: "Show it", does: refresh });
                } else {
                    await refresh();
                    await pause(300);
                }
            }
        } catch (error) {
            if (!hidden.signal.aborted && ++failures > 1) {
                tell("The page has ended. Start it again in the terminal.");
                return;
            }
            await pause(700);
        } finally {
            document.removeEventListener("visibilitychange", hide);
        }
    }
}

// ---- Search while typing ----

let latest = 0;

async function search(form) {
    const mine = ++latest;
    await pause(150);
    if (mine !== latest)
        return;
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    try {
        const page = await load(address);
        if (mine === latest) {
            const focused = document.activeElement?.name && `[name="${document.activeElement.name}"][value="${CSS.escape(document.activeElement.value)}"]`;
            take(page, ["#results", "#plan", ".same"]);
            if (focused && document.activeElement === document.body)
                find(focused)?.focus();
            history.replaceState(null, "", address);
        }
    } catch {
        // The form can still be sent.
    }
}

document.addEventListener("input", event => {
    const form = event.target.closest("form[data-search]");
    if (form && !(event.target.name === "reason" || event.target.name === "force"))
        search(form);
});

// ---- Keys: on a request only, and they can be switched off ----

const areOn = () => localStorage.getItem("keys") !== "off";

function showKeys() {
    const toggle = find("#keys-toggle");
    if (!toggle)
        return;
    toggle.setAttribute("aria-pressed", `${areOn()}`);
    toggle.textContent = areOn() ? "Keys on" : "Keys off";
}

function step(by) {
    const cards = all("[data-card]");
    const at = cards.indexOf(document.activeElement?.closest("[data-card]"));
    const next = cards[Math.max(0, Math.min(cards.length - 1, at + (at < 0 ? 1 : by)))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", event => {
    if (!areOn() || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=checkbox]), textarea, select"))
        return;
    if (event.key === "j" || event.key === "k") {
        step(event.key === "j" ? 1 : -1);
        return;
    }
    const place = document.activeElement?.closest("[data-card]") ?? find("form[data-confirm]");
    if (!place)
        return;
    if (event.key === "y") {
        find('[data-key="y"]', place)?.click();
    } else if (event.key === "n") {
        // A denial without a word helps nobody: the reason first, then Tab and Enter.
        const reason = find('input[name="reason"]:not([type=hidden])', place);
        if (reason && !reason.value) {
            event.preventDefault();
            reason.dataset.denies = "yes";
            reason.focus();
        } else {
            find('[data-key="n"]', place)?.click();
        }
    } else if (event.key === "l") {
        const less = find("[data-less]", place);
        if (less) {
            less.open = true;
            find("input:not([type=hidden])", less).focus();
        }
    } else if (event.key === "x") {
        find("[data-select]", place)?.click();
    }
});

// Enter in a reason that "n" led to denies, instead of pressing the first button of the form.
document.addEventListener("keydown", event => {
    if (event.key === "Enter" && event.target.dataset?.denies) {
        event.preventDefault();
        find('[data-key="n"]', event.target.closest("form"))?.click();
    } else if (event.key === "Escape" && event.target.dataset?.denies) {
        delete event.target.dataset.denies;
        event.target.closest("[data-card]")?.focus();
    }
});

// ---- Buttons ----

document.addEventListener("click", async event => {
    const button = event.target.closest("button");
    if (button?.dataset.copy) {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.firstChild.textContent = "Copied";
        setTimeout(() => button.firstChild.textContent = "Copy", 1500);
    } else if (button?.dataset.all) {
        const boxes = all(`[form="${button.dataset.all}"][data-select]`);
        const on = boxes.some(box => !box.checked);
        boxes.forEach(box => box.checked = on);
    } else if (button?.id === "keys-toggle") {
        localStorage.setItem("keys", areOn() ? "off" : "on");
        showKeys();
    }
});

// ---- Countdown ----

function left(milliseconds) {
    const minutes = Math.round(milliseconds / 60000);
    if (milliseconds < 60000)
        return `${Math.max(0, Math.floor(milliseconds / 1000))}s`;
    if (minutes >= 48 * 60)
        return `${Math.floor(minutes / 1440)}d`;
    return `${minutes >= 60 ? `${Math.floor(minutes / 60)}h` : ""}${minutes % 60 ? `${minutes % 60}m` : ""}`;
}

setInterval(() => {
    for (const one of all("[data-countdown]"))
        one.textContent = left(new Date(one.dataset.countdown) - Date.now());
}, 1000);

showKeys();
if (news)
    follow();
