# Writes src/text/golden.json: scores of the original VADER, and token ids of the
# original tokenizers for tokenizers that are trained here on a few sentences.
# Needs vaderSentiment 3.3.2 and tokenizers 0.23.3.
import json
from importlib.metadata import version
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

folder = Path(__file__).resolve().parents[2] / 'src/text'

SENTENCES = """
The quarter was good.
The quarter was very good!
The quarter was VERY GOOD!!!
the quarter was not good
The quarter wasn't very good, was it??
Never so good as this quarter.
Without doubt a great result
This is kind of a great result
This is sort of bad
least helpful report of the year
At least the margin is great
No problem with the great margin
There was no loss, no fraud and no great panic
no hope or joy left
Great revenue, but terrible margins and an ugly outlook
Terrible margins but GREAT revenue
The new chip is the bomb
A kiss of death for the merger, yeah right
Everyone waits for the bus stop deal to die for
:) the market is up :( the market is down :D
I LOVE this stock
i hate this stock
i hate THIS stock
lol smh wtf
??? what ??? is ??? this ???
What?? Really??
Good good good good good good good good good good
bad bad bad bad bad bad bad bad bad
Mixed: gains and losses, hopes and fears, wins and failures
The table is brown
!!!
a
"excellent" (and cheap)
Pas mal, mais terrible; très GRAND succès
НЕТ good
ÜBER good
\ufeffgood
good\u00a0bad\u2003ugly\u0085nice
I \U0001f60d this \U0001f44d\U0001f3fd stock\U0001f602\U0001f602
\u2764\U0001f525
"""

CORPUS = [
    'The company beat expectations and raised its outlook for the year.',
    'Shares fell sharply after the company missed expectations.',
    'Profits rose and the dividend was increased; investors were pleased.',
    'The bank announced losses, layoffs and a weak outlook.',
    'Analysts upgraded the stock to overweight on strong demand.',
    'Analysts downgraded the stock to underweight on weak demand.',
    "It's the company's best quarter, isn't it? Revenue: $12.5 billion (up 7%).",
    'Zürich, São Paulo and Kraków are naïve café cities; 東京 is another.',
]

SAMPLES = [
    '',
    ' ',
    'The company beat expectations.',
    '  two  spaces\tand\na line  ',
    'UPPER lower MiXeD 123 4567.89 -5%',
    "it's isn't we'll THEY'RE",
    'naïve café, Zürich; Kraków e\u0301tude',
    '東京の株価 上海',
    'emoji \U0001f60d\U0001f44d\U0001f3fd and \u200bzero\u200dwidth',
    'fullwidth ＡＢＣ ﬁ ligature ½',
    'عربى हिन्दी ไทย',
    'supercalifragilisticexpialidocious unknownword zzz',
    '[CLS] not special? <s> maybe [MASK] </s>',
    'a\u0000b \ufffd \u00ad soft',
    'price:$12.5bn(up7%)!!!???...',
]


def trained(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token='[UNK]'))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    trained(t, trainers.WordPieceTrainer(vocab_size=260, special_tokens=special, show_progress=False))
    pair = [('[CLS]', 2), ('[SEP]', 3)]
    t.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=pair
    )
    return t


def bpe():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    trained(
        t,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    t.post_processor = processors.RobertaProcessing(('</s>', 2), ('<s>', 0), add_prefix_space=False)
    return t


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ['<s>', '<pad>', '</s>', '<unk>']
    trained(
        t,
        trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token='<unk>', show_progress=False),
    )
    t.post_processor = processors.TemplateProcessing(
        single='<s> $A </s>', pair='<s> $A </s> $B </s>', special_tokens=[('<s>', 0), ('</s>', 2)]
    )
    return t


analyser = SentimentIntensityAnalyzer()
texts = [line for line in SENTENCES.strip('\n').split('\n')]
vader = {
    'library': f'vaderSentiment {version("vaderSentiment")}',
    'tolerance': 5.1e-5,
    'reason': 'the original rounds to four places',
    'cases': [{'text': t, 'compound': analyser.polarity_scores(t)['compound']} for t in texts],
}
tokenizers = {
    'library': f'tokenizers {version("tokenizers")}',
    'tolerance': 0,
    'reason': 'ids are whole numbers',
    'cases': [
        {
            'model': name,
            'tokenizer': json.loads(t.to_str()),
            'samples': [{'text': s, 'ids': t.encode(s).ids} for s in SAMPLES],
        }
        for name, t in (('WordPiece', wordpiece()), ('BPE', bpe()), ('Unigram', unigram()))
    ],
}
text = json.dumps({'vader': vader, 'tokenizers': tokenizers}, ensure_ascii=True, separators=(',', ':'))
(folder / 'golden.json').write_text(text + '\n')
