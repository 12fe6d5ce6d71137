/// The page's one style sheet. Colour is never alone: each state has its shape and its word.
enum Style {
    static let text = """
        :root {
          color-scheme: light dark;
          --ground: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --card: #f6f8fa;
          --right: #1a7f37; --wrong: #b3261e; --changing: #0a5cad; --unknown: #6e5200;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0d1117; --text: #e6edf3; --quiet: #9da7b1; --line: #30363d; --card: #161b22;
            --right: #4ac26b; --wrong: #ff8a80; --changing: #6cb6ff; --unknown: #e3b341;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; max-width: 75rem; padding: 1rem 2rem; background: var(--ground);
          color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
        }
        h1 { margin: 0; font-size: 1.75rem; overflow-wrap: anywhere; }
        h2 { margin: 2rem 0 .5rem; font-size: 1.25rem; }
        h3 { margin: 0 0 .25rem; font-size: 1rem; }
        p { margin: 0 0 .25rem; }
        a { color: var(--changing); }
        :focus-visible { outline: 3px solid var(--changing); outline-offset: 2px; }
        .skip { position: absolute; left: -999rem; }
        .skip:focus { position: static; }
        nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; }
        nav li { list-style: none; }
        #headline { font-size: 1.25rem; font-weight: 600; }
        .way {
          display: grid; gap: 2rem; align-items: start; margin: 0; padding: 0; list-style: none;
          grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
        }
        .way > li {
          position: relative; padding: .75rem; background: var(--card);
          border: 1px solid var(--line); border-left: .4rem solid var(--quiet);
          border-radius: .4rem;
        }
        .way > li.right { border-left-color: var(--right); }
        .way > li.wrong { border-left-color: var(--wrong); border-left-style: double; }
        .way > li.changing { border-left-color: var(--changing); border-left-style: dashed; }
        .way > li.unknown { border-left-color: var(--unknown); border-left-style: dotted; }
        ol.way > li + li::before {
          content: "\\2192" / ""; position: absolute; left: -1.85rem; top: .5rem;
          color: var(--quiet); font-size: 1.25rem;
        }
        @media (max-width: 36rem) {
          body { padding: 1rem; }
          ol.way > li + li::before { content: "\\2193" / ""; left: .75rem; top: -1.95rem; }
        }
        .part + .part { margin-top: .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
        .part, .why, .timeline li, td li, #event-list li { overflow-wrap: anywhere; }
        th, time { white-space: nowrap; }
        .state { font-weight: 600; white-space: nowrap; }
        .state.right { color: var(--right); }
        .state.wrong { color: var(--wrong); }
        .state.changing { color: var(--changing); }
        .state.unknown { color: var(--unknown); }
        .why { color: var(--quiet); }
        code, pre { font-family: ui-monospace, monospace; font-size: .875em; }
        pre { overflow: auto; padding: .75rem; background: var(--card); }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; min-width: 50rem; width: 100%; }
        caption { text-align: left; color: var(--quiet); }
        th, td {
          padding: .5rem; border-bottom: 1px solid var(--line); text-align: left;
          vertical-align: top;
        }
        td ul { margin: 0; padding-left: 1rem; }
        .timeline { padding-left: 1.5rem; }
        .timeline svg { display: block; width: 100%; height: .5rem; }
        svg .lane { fill: var(--line); }
        svg .done { fill: var(--right); }
        svg .running, svg .paused { fill: var(--changing); }
        svg .failed, svg .interrupted, svg .aborted { fill: var(--wrong); }
        footer { margin-top: 2rem; border-top: 1px solid var(--line); color: var(--quiet); }
        input, button {
          font: inherit; padding: .25rem .5rem; border: 1px solid var(--quiet);
          background: var(--card); color: var(--text);
        }
        ::placeholder { color: var(--quiet); opacity: 1; }
        @media print { nav, form, .skip { display: none; } }
        """
}
