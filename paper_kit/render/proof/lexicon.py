"""The words that claim, and the words for what a paper of this kind studies."""

from __future__ import annotations

import re

_QUALITY_WORDS = (
    "accurate accurately robust robustly reliable reliably efficient efficiently effective effectively "
    "stable expensive costly sensitive precise confident powerful successful successfully useful suitable "
    "promising consistent consistently competitive beneficial harmful important helpful susceptible prone "
    "balanced calibrated demanding economical frugal capable favourable favorable advantageous difficult "
    "confused separable quickly slowly strongly readily often accuracy error errors parameters time memory"
)
_DEGREE_WORDS = (
    "better worse best worst higher highest faster fastest slower slowest smaller smallest larger largest "
    "cheaper cheapest dearer dearest stronger strongest weaker weakest bigger biggest greater greatest "
    "lighter lightest heavier heaviest leaner leanest easier easiest harder hardest poorer poorest richer "
    "richest quicker quickest sharper sharpest steadier steadiest safer safest superior inferior lowest "
    "fewest"
)
_QUALITIES = "|".join(_QUALITY_WORDS.split())
_DEGREES = "|".join(_DEGREE_WORDS.split())
_VERBS = (
    r"improv(?:e[sd]?|ing|ements?)|outclass(?:es|ed)?|outrank(?:s|ed)?|outdo(?:es)?|outdid|"
    r"exceed(?:s|ed|ing)?|beat(?:s|en|ing)?|degrad(?:e[sd]?|ing|ation)|deteriorat(?:e[sd]?|ing|ion)|"
    r"help(?:s|ed|ing)?|hurt(?:s|ing)?|harm(?:s|ed|ing)?|benefit(?:s|t?ed|t?ing)?|boost(?:s|ed|ing)?|"
    r"suffer(?:s|ed|ing)?|excel(?:s|led)?|rival(?:s|l?ed)?|dominat(?:e[sd]?|ing)|prevail(?:s|ed)?|"
    r"defeat(?:s|ed|ing)?|doubl(?:es|ed)|tripl(?:es|ed)|(?:leaves?|left) (?:[\w\ue000-]+ ){1,6}behind|"
    r"(?:above|below|behind|beyond|past) (?:the )?(?:ResEmoteNet|AdvancedEmoteNet|EmotionViT|"
    r"(?:ViT|CNN|ResNet|EfficientNet|ConvNeXt|VGG)\S*|baselines?|"
    r"(?:all |every |any |both )?(?:the )?(?:other|rival|competing) \w+|others|rivals|competitors)|"
    r"wins?|won|loses?|lost|lag(?:s|ged)?|trail(?:s|ed)?|eclips(?:e[sd]?)|underperform(?:s|ed|ing)?|"
    r"match(?:es|ed)?|tie[sd]?|contribut(?:e[sd]?|ing)|worsen(?:s|ed|ing)?|strengthen(?:s|ed)?|"
    r"profit(?:s|ed|ing)?|collaps(?:e[sd]?|ing)|plummet(?:s|ed)?|soar(?:s|ed)?|struggl(?:e[sd]?|ing)|"
    r"overtak(?:es?|ing)|overtook|outscor(?:e[sd]?)|outshin(?:es?)|outperformance|lift(?:s|ed)|tops|topped|"
    r"edges? out|edged out|stabili[sz](?:e[sd]?|ing)|speeds? up|sped up|slows? down|sav(?:es|ed)|"
    r"weaken(?:s|ed)?|pays? off|paid off|costs? (?:\w+ ){0,2}(?:accuracy|points)"
)
_MEASURES = (
    r"accurac(?:y|ies)|errors?|recalls?|precision|scores?|loss(?:es)?|latency|memory|cost|costs|time|"
    r"calibration|performance|confusions?|overfitting|F|parameters|gap|robustness|generali[sz]ation|variance"
)
_CHANGES = (
    r"rais(?:e[sd]?|ing)|lower(?:s|ed|ing)?|reduc(?:e[sd]?|ing)|increas(?:e[sd]?|ing)|"
    r"decreas(?:e[sd]?|ing)|cut(?:s|ting)?|doubl(?:e[sd]?|ing)|halv(?:e[sd]?|ing)|lift(?:s|ed|ing)?|"
    r"add(?:s|ed)?|gain(?:s|ed)?|lead(?:s)?|yield(?:s|ed)?"
)
_MOVES = r"rises?|rose|increases?d?|decreases?d?|drops?|dropped|falls?|fell|declines?d?|climbs?|climbed"
# Claims whoever they are about.
_STRONG = (
    r"outperform(?:s|ed|ing)?|surpass(?:es|ed|ing)?|state[ -]of[ -]the[ -]art|on (?:a )?par with|"
    r"new (?:records?|state)|record[- ](?:breaking|high)|"
    r"sets? (?:\w+ )?(?:a |the )?new (?:standard|benchmark|mark)|"
    r"(?:cannot|can't|could not) (?:compete|keep up|match|rival)|nowhere near|first place|pole position|"
    r"statistically|significant(?:ly)?|beats? (?:all|every|any|its|the|both)|unmatched|unrivalled|"
    r"second to none|second only to|falls? short of|fell short of|ahead of|far behind"
)
# Praise and blame, sizes of differences, places in a ranking.
_JUDGEMENTS = (
    r"winners?|runner-up|front-?runner|on top|at the top|(?:comes?|came|ranks?|ranked|finish(?:es|ed)?) "
    r"(?:out )?(?:first|second|third|last|ahead|above|below|among)|(?:is|are|was|were) led by|leads? the|"
    r"impressive(?:ly)?|remarkabl[ey]|excellent(?:ly)?|outstanding(?:ly)?|poorly|favou?rabl[ey]|comparably|"
    r"substantial(?:ly)?|considerabl[ey]|markedly|dramatic(?:ally)?|marginal(?:ly)?|noticeabl[ey]|"
    r"unaffected|unchanged|insensitive|indistinguishable|unrivall?ed|worth (?:its|the|their)|promising|"
    r"(?:strong|good|poor|solid|weak|convincing) (?:results?|performance|accuracy|baselines?)|"
    r"(?:performs?|performed|works?|worked|fares?|fared|does|do|generali[sz]es?|transfers?|copes?) "
    r"(?:\w+ )?(?:well|badly|poorly|equally|similarly|alike|comparably|reliably)|equally well|"
    r"holds? (?:its|their) own|keeps? (?:up|pace)|by a (?:wide|large|small|narrow|clear|huge|slim) margin|"
    r"(?:an?|highly|most|very|particularly|more|less) (?:\w+ )?(?:in)?effective|"
    r"plays? (?:an?|the|no|little) (?:\w+ )?role"
)
_EFFECTS = (
    r"effects?|impacts?|influence|advantages?|edge|benefits?|differences?|improvements?|penalty|trade-?off"
)
_VERDICTS = (
    r"essential|crucial|decisive|key|indispensable|vital|useless|unnecessary|redundant|effective|"
    r"ineffective|helpful|harmful|beneficial|optimal"
)
_FEW = r"(?:[\w'-]+\s+)"
CLAIMING = re.compile(
    rf"(?<![\w-])(?:{_STRONG}|{_VERBS}|{_DEGREES}|{_JUDGEMENTS}"
    rf"|(?:has|have|had|shows?|showed|is|are|was|were|brings?|offers?|gives?|with)\s+(?:no|little|an?|the)\s+"
    rf"{_FEW}{{0,2}}?(?:{_EFFECTS})"
    rf"|differs?\s+(?:very\s+)?(?:little|barely|hardly|markedly|substantially|clearly|strongly|much|widely)"
    rf"|(?:gap|distance|margin|advantage)\s+{_FEW}{{0,4}}?(?:widens?|narrows?|closes?|shrinks?|grows?)"
    rf"|(?:needs?|uses?|takes?|requires?|has|have|with)\s+(?:\w+\s+)?(?:fewer|less|more(?!\s+than\s+one)|least|most)"
    rf"|robust(?:ly|ness)?|(?<!not )comparabl[ey]|competitive|on par|superiority|inferiority"
    rf"|gains?(?= (?:in|of|from|over|for))"
    rf"|(?:more|less|most|least|as|equally|similarly|just as)\s+(?:{_QUALITIES})"
    rf"|(?:more|less|fewer)\s+{_FEW}{{0,5}}?than(?!\s+one\b)"
    rf"|\w{{2,}}er\s+{_FEW}{{0,3}}?than"
    rf"|(?:do|does|did|performs?|performed|works?|worked|fares?|fared)\s+(?:just\s+)?as\s+well"
    rf"|as\s+(?:good|bad|fast|slow|much|little|large|small|high|low|strong|cheap)\s+as"
    rf"|(?:lower|deeper|wider)\s+{_FEW}{{0,2}}?(?:{_MEASURES})"
    rf"|(?:{_CHANGES})\s+{_FEW}{{0,4}}?(?:{_MEASURES})"
    rf"|(?:{_MEASURES})\s+{_FEW}{{0,2}}?(?:{_MOVES})"
    rf"|(?:makes?|made|brings?|brought)\s+(?:no|little|a|the|all|most|much|any)(?:\s+\w+)?\s+"
    rf"(?:difference|gain|benefit)s?"
    rf"|(?:matters?|counts?|adds?|costs?|gives?|brings?)\s+(?:the\s+)?(?:most|least|more|less|little|nothing)"
    rf"|(?:is|are|was|were|proves?|proved)\s+(?:\w+\s+)?(?:{_VERDICTS}))(?![\w])",
    re.IGNORECASE,
)
STRONGEST = re.compile(rf"(?<![\w-])(?:{_STRONG})(?!\w)", re.IGNORECASE)
# What looks like one of them and is none: "at least", "best of three", "of less than 2", "lost in".
HARMLESS = re.compile(
    r"(?:at\s+(?:best|worst|least|most))|\bof\s+(?:less|more|fewer)\s+than\s+\ue000|best\s+of\s+(?:[\ue000\d]|several|n\b)|(?:lost|match\w*|lower\w*|add\w*|lead\w*)\s+(?:to|in)\b|"
    r"(?:relations?|related|comparisons?|compared)\s+(?:to|with)\s+the\s+state\s+of\s+the\s+art",
    re.IGNORECASE,
)

_NOUN_PATTERNS = (
    "networks? models? methods? architectures? transformers? convolutions? convolutional classifiers? "
    "backbones? recipes? components? techniques? approach(?:es)? baselines? systems? variants? designs? "
    "ablations? we ours? removal removing without encoders? heads? blocks? ensembles? trainings? pipelines? "
    "procedures? nets? errors? accurac(?:y|ies) recalls? calibration latency ECE F1 FLOPs MACs parameters"
)
NOUNS = tuple(_NOUN_PATTERNS.split())
TECHNIQUES = (
    "transfer", "transferred", "pre-?training", "pre-?trained", "fine-?tun(?:ed|ing)", "mix-?up", "cut-?mix",
    "mixing", "mixed images", "focal", "test-time", "TTA", "augmentations?", "augmented", "unfreezing",
    "smoothing", "EMA", "moving average", "attention", "AMP", "mixed precision", "class weights",
    "weight decay", "R-Drop", "dropout", "RandAugment", "erasing", "schedule", "cross entropy", "sampler",
    "regularis\\w+", "layer decay", "warm-?up", "one-cycle", "annealing", "CBAM", "squeeze and excitation",
    "self-attention", "patch(?:es)?", "tokens?",
)  # fmt: skip
CLASSES = ("anger", "angry", "disgust", "fear", "happy", "happiness", "sad", "sadness", "surprise", "neutral",
           "contempt", "class", "classes")  # fmt: skip
MODELS = ("ResEmoteNet", "AdvancedEmoteNet", "EmotionViT", "ViTs?", "CNNs?", "ResNet\\S*", "EfficientNet\\S*",
          "ConvNeXt\\S*", "VGG\\S*")  # fmt: skip
DATASETS = ("FER2013", "FER-?2013", r"FER\+", "RAF-DB", "AffectNet", "dataset")
# (key in facts, name) of the networks that come with the package; a study adds its own.
KEYS = (
    ("resemotenet", "ResEmoteNet"),
    ("advanced_emotenet", "AdvancedEmoteNet"),
    ("emotion_vit", "EmotionViT"),
)
# What a sentence can begin with in place of a network.
PRONOUN = re.compile(
    r"[\s\ue003(]*(It|They|This(?: one)?|That one|The (?:former|latter|first|last|others?|rest)|Both|All|"
    r"None)"
    r"(?=\s+(?:is|are|was|were|has|have|does|do|did|also|even|far|clearly|then|now|performs?|runs?|needs?|reach\w*|"
    r"out\w+|beat\w*|exceed\w*|surpass\w*|win\w*|won|lead\w*|defeat\w*|improve\w*|trail\w*|lag\w*|doubl\w*|"
    r"gain\w*|lose\w*|rank\w*|come\w*|cannot|work\w*|fare\w*|generali\w+|dominat\w+|set\w*|leave\w*)\b)"
)

# Claim tags: which way a word points, and what takes a claim back.
_UP = (
    r"out(?:perform|class|rank|do|score|shin)\w*|surpass\w*|exceed\w*|beat\w*|defeat\w*|better|higher|larger|"
    r"greater|stronger|superior|(?:is |comes? |stands? )?ahead of|improv\w+|help\w*|boost\w*|benefit\w*|"
    r"gain\w*|"
    r"wins?|won|more\s+\w+|above\b.*|leads? the|tops|topped|dominat\w+|raises?|increases?|overt\w+|"
    r"pays? off|lifts?"
)
_DOWN = (
    r"worse|lower|smaller|weaker|poorer|inferior|falls? short\w*|trail\w*|lag\w*|degrad\w+|deteriorat\w+|"
    r"hurt\w*|harm\w*|suffer\w*|loses?|lost|less\s+\w+|fewer\s+\w+|below\b.*|far behind|behind\b.*|"
    r"underperform\w*|"
    r"worsen\w*|weaken\w*|reduces?|decreases?|costs?|collapses?"
)
UPWARD = re.compile(rf"(?<![\w-])(?:{_UP})(?!\w)", re.I)
RELATING = re.compile(rf"(?<![\w-])(?:{_UP}|{_DOWN})(?!\w)", re.I)
RANKING = re.compile(
    r"(?:the\s+)?(?:high|low|larg|small|great|few|strong|weak|fast|slow|cheap|heav|light|hard|eas)\w*(?:st)\b|(?:best|worst)\b",
    re.I,
)
NEGATED = re.compile(
    r"(?<![\w-])(?:no|not|none|neither|nor|never|nothing|cannot|hardly|whether|"
    r"without (?:being|any)|unclear)(?![\w-])",
    re.I,
)
QUALIFIED = re.compile(
    r"(?:cannot|could not|can't|not|none|neither|without)\s+(?:\w+\s+){0,3}?(?:told|shown|show|clearly|"
    r"distinguish\w*|differ\w*)|no (?:differences?|effects?|network|best)|(?:find|show|shows|finds)\s+no|"
    r"within (?:the|its|a|our) margin|undecided|stays open|"
    r"equals?|alike|the same|agree",
    re.I,
)
# More than two sides: what a claim between a pair does not test.
OVERALL = re.compile(
    r"(?:the\s+)?(?:best|worst|strongest|weakest)\s+(?:of\s+(?:all|the)\b|(?:network|model|architecture|method|classifier)s?\b)"
    r"|(?:than|every|all|any)\s+(?:the\s+|of\s+the\s+)?(?:other\s+)?(?:networks?|models?|methods?|datasets?|classes|others|architectures?)\b"
    r"|on\s+every\s+\w+|state[ -]of[ -]the[ -]art|new\s+records?|second\s+to\s+none|unrivall?ed|unmatched",
    re.I,
)
