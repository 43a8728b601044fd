#!/usr/bin/env bash
# Sees that TeX is here. Installs it with apt where it can, after asking (YES=1 does not ask); else says what to type.
# EXTRAS=few: also pandoc and latexdiff, for build-html, build-docx and diff --pdf.
# EXTRAS=1: these, acmart's fonts, and for the slow tests Chromium, a Slurm of one node and bindfs.
set -euo pipefail
PATH="$PATH:/usr/sbin" # where Debian has the daemons of Slurm

packages="latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended texlive-publishers
texlive-science texlive-pictures texlive-bibtex-extra texlive-plain-generic lmodern cm-super poppler-utils"
time="about 90 seconds"
tools=""
case "${EXTRAS:-}" in
few | 1) packages="$packages pandoc latexdiff" tools="pandoc latexdiff" ;;
esac
if [ "${EXTRAS:-}" = 1 ]; then
    packages="$packages texlive-fonts-extra chromium chromium-driver slurm-wlm munge bindfs"
    tools="$tools chromium chromedriver slurmctld munged bindfs"
    time="about 5 minutes"
fi
needed_files="IEEEtran.cls acmart.cls elsarticle.cls llncs.cls binhex.tex tikz.sty booktabs.sty microtype.sty algpseudocode.sty lmodern.sty"

whole() {
    command -v latexmk >/dev/null && command -v pdftotext >/dev/null && command -v kpsewhich >/dev/null || return 1
    for file in $needed_files; do kpsewhich "$file" >/dev/null || return 1; done
    for tool in $tools; do command -v "$tool" >/dev/null || return 1; done
    [ "${EXTRAS:-}" != 1 ] || kpsewhich libertine.sty >/dev/null
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
