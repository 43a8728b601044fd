"""A small paper with one of everything, and what TeX would have numbered in it."""

from __future__ import annotations

import shutil
from functools import cache

import pytest

from paper_kit.render.exports.web import with_front, written
from paper_kit.render.exports.web_numbers import Numbers, numbers
from paper_kit.render.manuscript import Manuscript, Typeset, typeset
from paper_kit.render.venue import Venue, load_venue
from tests.render.small import MATERIAL, TEMPLATES, manuscript

TEXT = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{One \VAR{data.train}} % a remark that nobody sees
\label{sec:one}
We trained on \VAR{data.train} images \cite{zeta,he2016deep}, see Table~\ref{tab:classes},
Fig.~\ref{fig:curves}, Section~\ref{sec:deep} and~\eqref{eq:loss}. The change
is \VAR{results.emotion_vit.change}.%
\footnote{In small print.}
Nothing is known: \VAR{results.emotion_vit.nothing}.
A rate of $\lambda = \VAR{counts.models}$ is \literal{7}{a reason} times.
\pkauthor{think again}
\begin{equation}
  \mathcal{L} = -\sum_{k=1}^{K} y_k \log p_k ,
  \label{eq:loss}
\end{equation}
\begin{equation*}
  \mathrm{ReLU}(x) = \max(0, x)
\end{equation*}
\subsection{Deeper}
\label{sec:deep}
\begin{table}[h]
  \caption{Recall on \VAR{data.train} images}
  \label{tab:classes}
  \centering
  \VAR{table("classes")}
\end{table}
\begin{figure*}[t]
  \centering
  \VAR{figure("curves")}
  \caption[short]{A figure, with \emph{emphasis}.}
  \label{fig:curves}
\end{figure*}
\begin{algorithm}[t]
  \caption{A step}
  \label{alg:step}
  \algnotext{EndIf}
  \begin{algorithmic}[1]
    \Require a batch $x$
    \If{$x > 0$}
      \State $y \gets$ \Call{Mix}{$x$} \Comment{as in~\eqref{eq:loss}}
    \Else
      \State \Return $x$
    \EndIf
  \end{algorithmic}
\end{algorithm}
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\section{More}
The end.
\section{Provenance of the Numbers}
\VAR{provenance()}
\end{document}
"""
AUX = r"""\newlabel{sec:one}{{I}{1}{One \pkfact {1}{28,709}}{section.1}{}}
\newlabel{sec:deep}{{\mbox  {I-A}}{1}{Deeper}{subsection.1.1}{}}
\newlabel{tab:classes}{{IV}{1}{Recall}{table.4}{}}
\newlabel{fig:curves}{{9}{1}{A figure}{figure.9}{}}
\newlabel{eq:loss}{{5}{1}{One}{equation.5}{}}
\newlabel{alg:step}{{2}{1}{A step}{algorithm.2}{}}
\@writefile{toc}{\contentsline {section}{\numberline {I}One \pkfact  {1}{28,709}}{1}{section.1}}
\@writefile{toc}{\contentsline {subsection}{\numberline {\mbox  {I-A}}Deeper}{1}{subsection.1.1}}
\@writefile{toc}{\contentsline {section}{References}{1}{section*.2}}
\@writefile{toc}{\contentsline {section}{\numberline {A}More}{1}{section.A}}
\@writefile{toc}{\contentsline {section}{\numberline {B}Provenance of the Numbers}{1}{section.B}}
\bibcite{zeta}{12}
\bibcite{he2016deep}{{3}{2016}{{He}}{{He et~al.}}}
"""
BBL = r"""\begin{thebibliography}{10}
\providecommand{\url}[1]{#1}
\bibitem[{He(2016)}]{he2016deep}
K.~He, X.~Zhang \emph{et~al.}, ``Deep residual
  learning,'' in \emph{CVPR}, ser. A.\hskip 1em plus 0.5em minus 0.4em\relax IEEE, 2016.

\bibitem{zeta}
Z.~Zeta, ``On \bibinfo{title}{{FER}} faces.''
\end{thebibliography}
"""
needs_pandoc = pytest.mark.skipif(
    shutil.which("pandoc") is None or shutil.which("pdftocairo") is None,
    reason="needs pandoc and poppler: make extras",
)


@cache
def venue(name: str = "ieeetran") -> Venue:
    return load_venue(TEMPLATES, name)


@cache
def told() -> Numbers:
    return numbers(AUX, BBL)


def fronted(text: str = TEXT, name: str = "ieeetran") -> Manuscript:
    return with_front(manuscript(text), venue(name))


@cache
def linked() -> Typeset:
    return typeset(fronted(), MATERIAL, venue())


@cache
def html() -> str:
    return written(linked(), fronted(), venue(), told(), "html").decode()


@cache
def docx() -> bytes:
    return written(linked(), fronted(), venue(), told(), "docx")
