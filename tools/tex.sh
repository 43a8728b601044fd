#!/usr/bin/env bash
# Sees that TeX is here. Installs it with apt where it can, after asking (YES=1 does not ask); else says what to type.
# EXTRAS=1: also what only some commands and the slow tests need: pandoc, latexdiff, acmart's fonts, Chromium.
set -euo pipefail

packages="latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended texlive-publishers
texlive-science texlive-pictures texlive-bibtex-extra texlive-plain-generic lmodern cm-super poppler-utils"
time="about 90 seconds"
if [ "${EXTRAS:-}" = 1 ]; then
    packages="$packages pandoc latexdiff texlive-fonts-extra librsvg2-bin chromium chromium-driver"
    time="about 5 minutes"
fi
needed_files="IEEEtran.cls acmart.cls elsarticle.cls llncs.cls binhex.tex tikz.sty booktabs.sty microtype.sty algpseudocode.sty lmodern.sty"

whole() {
    command -v latexmk >/dev/null && command -v pdftotext >/dev/null && command -v kpsewhich >/dev/null || return 1
    for file in $needed_files; do kpsewhich "$file" >/dev/null || return 1; done
    if [ "${EXTRAS:-}" = 1 ]; then
        for tool in pandoc latexdiff chromium chromedriver rsvg-convert; do command -v "$tool" >/dev/null || return 1; done
        kpsewhich libertine.sty >/dev/null || return 1
    fi
}

if whole; then exit 0; fi

if ! command -v apt-get >/dev/null; then
    echo "TeX is missing. Type one of these, then run make again:" >&2
    echo "  macOS:   brew install --cask mactex-no-gui && brew install poppler" >&2
    echo "  Fedora:  sudo dnf install latexmk texlive-scheme-medium texlive-ieeetran texlive-algorithmicx poppler-utils" >&2
    exit 2
fi

run_as=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "TeX is missing. As root, type: apt-get install --no-install-recommends" $packages >&2; exit 2; }
    run_as="sudo"
fi

if [ "${YES:-}" != 1 ]; then
    [ -t 0 ] || { echo "TeX is missing. Type: make tex YES=1   (installs it with apt, $time)" >&2; exit 2; }
    printf "TeX is missing. Install it with apt ($time)? [y/N] "
    read -r answer
    case "$answer" in y | Y | yes) ;; *) echo "Nothing was installed. Type: $run_as apt-get install --no-install-recommends" $packages; exit 2 ;; esac
fi

log=$(mktemp)
echo "Installing TeX ($time) …"
if ! { $run_as apt-get update && DEBIAN_FRONTEND=noninteractive $run_as apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "Installing TeX failed; the end of apt's words stands above." >&2
    exit 2
fi
rm -f "$log"
whole || { echo "TeX was installed, but one of $needed_files is still not found." >&2; exit 2; }
