/// The page's one script: adds events as they come, and replaces what has changed. What others said
/// becomes text only, escaped as ``Printable`` does. Without it a reload shows the same.
enum Script {
    static let text = #"""
        "use strict";
        (() => {
          const list = document.getElementById("event-list");
          const live = document.getElementById("live");
          const headline = document.getElementById("headline");
          const eventsMax = 100;
          const code = (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
          const printable = (text) => text.replace(
            /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => sign.split("").map(code).join(""));
          const seen = Number(document.body.dataset.next) - 1;
          const source = new EventSource("/events?after=" + seen);

          const look = async () => {
            const answer = await fetch("/", { cache: "no-store" });
            if (!answer.ok) return;
            const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
            for (const old of document.querySelectorAll("[data-live]")) {
              const now = fresh.getElementById(old.id);
              if (now && !old.contains(document.activeElement)) old.replaceWith(now);
            }
            document.title = fresh.title;
            headline.textContent = fresh.getElementById("headline").textContent;
            live.textContent = "";
          };

          source.addEventListener("picture", look);
          source.addEventListener("message", (message) => {
            const event = JSON.parse(message.data);
            const line = document.createElement("li");
            const outcome = document.createElement("b");
            const time = document.createElement("time");
            time.dateTime = time.textContent = event.at;
            outcome.textContent = event.outcome;
            line.append(time, " ", outcome, printable(
              ` ${event.subject} by ${event.actor} (${event.cause}) ${event.detail}`));
            list.prepend(line);
            while (list.children.length > eventsMax) list.lastElementChild.remove();
          });
          source.addEventListener("error", () => {
            live.textContent = "The connection is lost; what you see may be old.";
          });
          source.addEventListener("open", () => {
            if (live.textContent) look();
          });
        })();
        """#
}
