# %% [markdown]
# # What it is used for
#
# Can what you have learned restore a picture, tell vowels apart, write English, and find the stiffness of a
# spring? The four programs of this page do it at small scale, in seconds each. They differ in their data,
# in the layers, and in the loss. The backward is the same, the hand-written one of this package: its modules
# `nn.Conv2d`, `nn.Linear`, `nn.LSTM` and others have the names and arguments of PyTorch's.

# %%
from math import log, pi, sqrt
from string import ascii_lowercase

import torch

from manual_backprop import functional as F
from manual_backprop import nn, plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import sample


def descend(model, loss, lr):
    """One step downhill, by Adam: gradient descent that gives each weight a step size of its own."""
    if not hasattr(model, "optimiser"):
        model.optimiser = torch.optim.Adam(model.parameters(), lr)
    model.optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    model.optimiser.step()


# %% [markdown]
# ## Image: take the noise away
#
# [Beyond the multilayer perceptron](12_beyond.py) *read* digits with a convolutional network. Here an image
# goes in and an image comes out. To every pixel $x$, from 0 to 1, we add noise of standard deviation one
# half, and a network of three convolutions is to give the clean image back:

# %%
images, _, test_images, _ = sample()
images, test_images = images[:, None] / 255, test_images[:, None] / 255  # (N, 1, 28, 28)
generator = torch.Generator().manual_seed(0)


def noisy(x):
    return x + 0.5 * torch.randn(x.shape, generator=generator)


def restorer():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 5, padding=2),
    )


def train_restorer(target):
    model = restorer()
    for rows in torch.randperm(len(images), generator=generator).split(20):
        x = images[rows]
        descend(model, F.mse_loss(model(noisy(x)), target(x)), lr=0.003)
    return model


test_noisy = noisy(test_images)
with_clean_targets = train_restorer(lambda x: x)
with torch.no_grad():
    error = float(F.mse_loss(with_clean_targets(test_noisy), test_images))
print(f"mean square error: {F.mse_loss(test_noisy, test_images):.3f} before, {error:.3f} after")
assert error < 0.03

# %% [markdown]
# One pass over 4,000 digits. But a photographer who has only noisy pictures has no clean ones to train with.
# Suppose we have of each digit two noisy copies instead, with independent noise. The first is the input, the
# second is the *target*.
#
# **Predict:** how well does a network restore that has never seen a clean image?

# %%
predict("15a")

# %%
with_noisy_targets = train_restorer(noisy)
with torch.no_grad():
    restored = with_noisy_targets(test_noisy)
    without_clean = float(F.mse_loss(restored, test_images))
print(f"mean square error: {error:.4f} with clean targets, {without_clean:.4f} with noisy ones")
assert without_clean < 1.2 * error

shown = [30, 350, 550, 750]
plots.show(
    plots.images(
        torch.cat([test_noisy[shown], restored[shown], test_images[shown]])[:, 0].clamp(0, 1),
        ["noisy"] * 4 + ["restored"] * 4 + ["clean"] * 4,
        columns=4,
    ),
    "restored.png",
)

# %% [markdown]
# Nearly as well. The gradient of the squared error is $2(a - y)$. Replace the target $y$ with $y + \epsilon$,
# and it becomes $2(a - y) - 2\epsilon$: the noise enters the gradient as a summand that is zero on average,
# whatever the network does. Descent takes many small steps and averages it out. (Lehtinen and others,
# "Noise2Noise: learning image restoration without clean data", 2018.)
#
# ## Speech: which vowel was it?
#
# A voiced sound starts at the vocal folds, as a buzz: a tone and its *harmonics*, the multiples of its
# frequency. Throat and mouth are a filter that lets some frequencies through better. The peaks of the filter,
# the *formants*, make the vowel (Fant, "Acoustic theory of speech production", 1960). We have no recordings
# here, so the sounds are *synthetic*: such a buzz, and a filter with the averages that Peterson and Barney
# measured for men, women and children ("Control methods used in a study of the vowels", 1952, pitch and first
# three formants in Hz). Each recording varies the formants by about 5 % and the pitch by about
# 10 %, at random, and has noise.

# %%
VOICES = ["men", "women", "children"]
VOWELS = {  # the same for each of the three voices: pitch, F₁, F₂, F₃
    "heed": [(136, 270, 2290, 3010), (235, 310, 2790, 3310), (272, 370, 3200, 3730)],
    "head": [(130, 530, 1840, 2480), (223, 610, 2330, 2990), (260, 690, 2610, 3570)],
    "had": [(127, 660, 1720, 2410), (210, 860, 2050, 2850), (251, 1010, 2320, 3320)],
    "hod": [(124, 730, 1090, 2440), (212, 850, 1220, 2810), (256, 1030, 1370, 3170)],
    "hood": [(137, 440, 1020, 2240), (232, 470, 1160, 2680), (276, 560, 1410, 3310)],
    "who'd": [(141, 300, 870, 2240), (231, 370, 950, 2670), (274, 430, 1170, 3260)],
}
RATE = 8000  # numbers per second
time = torch.arange(1600) / RATE


def speak(vowel, voice, count):
    """So many recordings of 0.2 s, (count, 1600)."""
    pitch, *formants = VOWELS[vowel][VOICES.index(voice)]
    pitch = pitch * (1 + 0.1 * torch.randn(count, 1, generator=generator))
    f = pitch * torch.arange(1, 41)  # the harmonics, (count, 40)
    loudness = (f < RATE / 2) / f
    for formant, width in zip(formants, (80, 100, 140)):
        formant = formant * (1 + 0.05 * torch.randn(count, 1, generator=generator))
        loudness = loudness * formant**2 / ((formant**2 - f**2) ** 2 + (width * f) ** 2).sqrt()
    sound = (loudness[:, :, None] * (2 * pi * f[:, :, None] * time).sin()).sum(1)
    sound = sound / sound.square().mean(1, keepdim=True).sqrt()
    return sound + 0.03 * torch.randn(sound.shape, generator=generator)


# %% [markdown]
# A network could read the 1,600 numbers of a sound. It is easier to show it a *spectrogram*: cut the sound
# into short overlapping pieces, and write down for each how much of every frequency is in it, on a
# logarithmic scale. (Exercise 15.2 asks for the backward of this.)


# %%
def spectrogram(sound):
    """(N, 129 frequencies from 0 to 4 kHz, 22 times)"""
    window = torch.hann_window(256)
    pieces = torch.stft(sound, 256, 64, window=window, center=False, return_complex=True)
    return ((pieces.abs().square() + 0.01).log() + 1) / 3  # of about size 1


def recordings(voices, count):
    spoken = [(vowel, voice) for vowel in VOWELS for voice in voices]
    x = torch.cat([spectrogram(speak(vowel, voice, count)) for vowel, voice in spoken])
    y = torch.tensor([list(VOWELS).index(vowel) for vowel, _ in spoken])
    return x, y.repeat_interleave(count)


examples = [("heed", "men"), ("hod", "men"), ("heed", "children"), ("hod", "children")]
pictures = torch.cat([spectrogram(speak(*example, 1)) for example in examples])
pictures = pictures.flip(1).repeat_interleave(4, dim=2)  # low frequencies below; wider
plots.show(
    plots.images(pictures - pictures.min(), [", ".join(example) for example in examples], columns=2),
    "spectrograms.png",
)

# %% [markdown]
# Time goes to the right, frequency upwards from 0 to 4 kHz; dark is loud. Fine stripes are the harmonics;
# where they are darkest there is a formant.
#
# A small network looks at each time alone, 129-16-6, and adds up what it finds over the times. It trains on
# men's voices.


# %%
class Listener(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(129, 16), nn.Linear(16, len(VOWELS))

    def forward(self, x):
        return self.out(F.relu(self.hidden(x.transpose(1, 2)))).mean(1)


def train_listener(voices):
    torch.manual_seed(0)
    model = Listener()
    x, y = recordings(voices, 300 // len(voices))
    for _ in range(12):
        for rows in torch.randperm(len(x)).split(50):
            descend(model, F.cross_entropy(model(x[rows]), y[rows]), lr=0.003)
    return model


tests = {voice: recordings([voice], 50) for voice in VOICES}


def share_right(model, voice):
    x, y = tests[voice]
    return float((model(x).argmax(1) == y).float().mean())


men_only = train_listener(["men"])
print(f"of men's vowels that it has not heard it recognises {share_right(men_only, 'men'):.0%}")
assert share_right(men_only, "men") > 0.9

# %% [markdown]
# A child's vocal tract is shorter than a man's, so its formants are higher: in the table mostly by a
# factor of 1.3 to 1.5.
#
# **Predict:** how many of the *children's* vowels does this network recognise?

# %%
predict("15b")

# %%
everyone = train_listener(VOICES)
for voice in VOICES:
    trained = f"{share_right(men_only, voice):4.0%} by men, {share_right(everyone, voice):4.0%} by all three"
    print(f"{voice:8} recognised after training: {trained}")
assert 0.25 < share_right(men_only, "children") < 0.85
assert share_right(everyone, "children") > 0.9

# %% [markdown]
# The network knows what it was shown: peaks at men's frequencies. A child's peaks are elsewhere, and some of
# them where another vowel has them in a man's voice. Trained with the same number of recordings, but from all
# three, it recognises all three. Nothing in the network or in its backward was changed.
#
# ### What it listens to
#
# For two of the vowels, the slope $\partial z_k/\partial x$ of its logit with respect to the loudness at each
# frequency, averaged over the men's test recordings ([Gradients beyond training](16_beyond_training.py) has
# more of this):

# %%
x, y = tests["men"]
x = x.clone().requires_grad_()
(slopes,) = torch.autograd.grad(men_only(x).gather(1, y[:, None]).sum(), x)
frequencies = torch.arange(4, 125) * RATE / 256 / 1000  # in kHz
lines = {}
for vowel in ("heed", "hod"):
    of_vowel = slopes[y == list(VOWELS).index(vowel)].sum(2).mean(0)
    smooth = of_vowel.unfold(0, 9, 1).mean(1)  # of nine neighbours: single harmonics are of no interest
    lines[vowel] = (frequencies.tolist(), smooth.tolist())
at_1, at_2_3 = (int((frequencies - f).abs().argmin()) for f in (1.0, 2.3))
assert lines["heed"][1][at_2_3] > 0 > lines["heed"][1][at_1]
plots.show(
    plots.curves(
        lines,
        title="More sound here speaks for (+) or against (−)",
        xlabel="frequency (kHz)",
        ylabel="slope of the logit",
    ),
    "listens.png",
)

# %% [markdown]
# Compare with the table. For *heed* sound counts near its second formant, 2.3 kHz, and speaks against it
# around 1 kHz, where *hod* has its second. The network was told no frequency: it found out where the two
# differ.
#
# ## Language: what comes next?
#
# A language model predicts the next character from those before it. It reads a text and is its own teacher:
# the right class is the character that stands there. The loss is the cross-entropy, in *nats* per character:
# that is what $-\ln p$ is counted in, with the natural logarithm. We take a text that comes with every
# Python, its language reference (as `help("if")` prints it), small letters, spaces, full stops and commas
# only. It is free to use under Python's licence. (If the import fails, your Python came without it; then set
# `text` to any English text of 100,000 characters.)

# %%
from pydoc_data.topics import topics

paragraphs = (paragraph for name in sorted(topics) for paragraph in topics[name].split("\n\n"))
prose = [p for p in paragraphs if p[:1].isupper() and p.endswith(".") and "\n " not in p]
text = " ".join(dict.fromkeys(prose)).lower()  # each paragraph once

alphabet = ascii_lowercase + " .,"
text = "".join(c for c in " ".join(text.split()) if c in alphabet)
text = " ".join(text.split())
codes = torch.tensor([alphabet.index(c) for c in text])
end = len(codes) * 9 // 10
codes, test_codes = codes[:end], codes[end:]
test_rows = test_codes[: len(test_codes) // 201 * 201].view(-1, 201)
print(f"{len(text):,} characters of {len(alphabet)} kinds, for example: {text[1000:1080]}")

# %% [markdown]
# The model is an *embedding* (a row of 32 numbers for each character), an LSTM, which is a recurrent network
# that adds to its state and so keeps its gradients from vanishing (Hochreiter and Schmidhuber, "Long
# short-term memory", 1997), and a linear layer to 29 logits:


# %%
class Writer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(alphabet), 32)
        self.lstm = nn.LSTM(32, 128, batch_first=True)
        self.out = nn.Linear(128, len(alphabet))

    def forward(self, codes, state=None):
        states, state = self.lstm(self.embedding(codes), state)
        return self.out(states), state


def loss_of(model, rows):
    logits, _ = model(rows[:, :-1])  # each character but the last predicts the one after it
    return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def write(model, start="the ", length=150):
    """Draw one character after the other; dividing by 0.7 prefers what is likely."""
    dice = torch.Generator().manual_seed(0)
    written, state = start, None
    given = torch.tensor([[alphabet.index(c) for c in start]])
    for _ in range(length):
        logits, state = model(given, state)
        given = torch.multinomial((logits[:, -1] / 0.7).softmax(1), 1, generator=dice)
        written += alphabet[int(given)]
    return written


torch.manual_seed(0)
writer = Writer()
print(write(writer))

# %% [markdown]
# That is before training: its weights are small random numbers, so that all logits are near 0.
#
# **Predict:** how large is the loss, in nats per character, before training?

# %%
predict("15c")

# %%
with torch.no_grad():
    before = float(loss_of(writer, test_rows))
print(f"before training: {before:.2f} nats per character; ln {len(alphabet)} = {log(len(alphabet)):.2f}")
assert predict("15c", before)

# %% [markdown]
# ### Train
#
# How good can one be without a network? If every character is given the probability with which it occurs, the
# *unigram* model, or the one with which it follows the character before it, the *bigram* model:

# %%
count = torch.bincount(codes, minlength=len(alphabet)).double() + 1
unigram = float(-(count / count.sum())[test_codes].log().mean())
pairs = torch.full((len(alphabet), len(alphabet)), 0.1).double()
pairs.index_put_((codes[:-1], codes[1:]), torch.ones(len(codes) - 1).double(), accumulate=True)
bigram = float(-(pairs / pairs.sum(1, keepdim=True))[test_codes[:-1], test_codes[1:]].log().mean())

steps, losses = [0], [before]
dice = torch.Generator().manual_seed(0)
for step in range(1, 301):
    starts = torch.randint(len(codes) - 65, (32,), generator=dice)
    descend(writer, loss_of(writer, codes[starts[:, None] + torch.arange(65)]), lr=0.005)
    if step % 30 == 0:
        with torch.no_grad():
            steps.append(step)
            losses.append(float(loss_of(writer, test_rows)))
    if step in (30, 120, 300):
        print(f"after {step} steps, {losses[-1]:.2f} nats:\n    {write(writer)}")
print(f"uniform {log(29):.2f}, unigram {unigram:.2f}, bigram {bigram:.2f}, LSTM {losses[-1]:.2f}")
assert losses[-1] < bigram - 0.3 < unigram < before

ends = [0, 300]
plots.show(
    plots.curves(
        {
            "LSTM": (steps, losses),
            "unigram": (ends, [unigram] * 2),
            "bigram": (ends, [bigram] * 2),
        },
        title="Text that it has not read",
        xlabel="step",
        ylabel="loss (nats per character)",
        ylim=(0, 3.5),
    ),
    "language.png",
)

# %% [markdown]
# It has learned which letters are frequent, which follow each other, many words, and some words that go
# together; its sentences make no sense. Nobody told it what a word is: knowing one lowers the loss.
#
# ## Science: an equation as the teacher
#
# A weight on a spring with friction moves as
#
# $$\ddot x + c\,\dot x + k\,x = 0, \qquad x(0) = 1,\ \dot x(0) = 0$$
#
# with $\dot x$ for the slope in time, $\ddot x$ for the slope of the slope. With $c = 0.4$, $k = 4$ the exact
# solution is known, but let us do without. Say $x(t) = 1 + t^2\,a(t)$, where $a$ is a network with the input
# $t$: both conditions at $t = 0$ hold whatever its weights are. The loss is the square of what is left of the
# equation, its *residual*, at 60 times:

# %%
C, K = 0.4, 4.0


def network():
    torch.manual_seed(0)
    layers = [nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)]
    return torch.nn.Sequential(*layers).double()


def slope(x, t):
    """∂x/∂t at each time, as something that has a graph and can be differentiated again."""
    return torch.autograd.grad(x.sum(), t, create_graph=True)[0]


times = torch.linspace(0, 5, 60).double()[:, None].requires_grad_()


def residual(x, c, k):
    velocity = slope(x, times)
    return slope(velocity, times) + c * velocity + k * x


def fit(parameters, loss, iterations):
    """LBFGS: descent with a memory of past gradients, from which it estimates the curvature."""
    parameters = list(parameters)
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=iterations, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    def once():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(once)


# %% [markdown]
# **Predict:** a step of descent on this loss takes derivatives of derivatives. How many in a row? (In the
# training of a classifier it is 1, that of the loss with respect to the weights.)

# %%
predict("15d")

# %%
derivatives = ["∂x/∂t", "∂ẋ/∂t", "∂L/∂w"]
assert predict("15d", len(derivatives))

a = network()
fit(a.parameters(), lambda: residual(1 + times**2 * a(times / 5), C, K).square().mean(), 500)


def exact(t):
    ω = sqrt(K - C**2 / 4)
    return (-C / 2 * t).exp() * ((ω * t).cos() + C / (2 * ω) * (ω * t).sin())


with torch.no_grad():
    off = float((1 + times**2 * a(times / 5) - exact(times)).abs().max())
print(f"largest difference from the exact solution: {off:.0e}")
assert off < 0.02

# %% [markdown]
# It works because each hand-written backward, such as the $1 - a^2$ of `nn.Tanh`, is itself made of
# operations that have a backward. The network was never shown a solution: the equation was the teacher.
# (Lagaris, Likas and Fotiadis, "Artificial neural networks for solving ordinary and partial differential
# equations", 1998.)
#
# ### Find the spring
#
# Now the other way round. We have 30 measured positions with noise of standard deviation 0.05, and do not
# know $c$ and $k$. They become parameters, beside the network's weights. Its output is to be near the
# measurements *and* to obey the equation, whatever its $c$ and $k$ are. (Raissi, Perdikaris and Karniadakis,
# "Physics-informed neural networks", 2019.)

# %%
generator = torch.Generator().manual_seed(0)
measured_at = 5 * torch.rand(30, 1, generator=generator).double()
measured = exact(measured_at) + 0.05 * torch.randn(30, 1, generator=generator).double()

x = network()
c, k = (torch.tensor(1.0).double().requires_grad_() for _ in range(2))


def misfit():
    data = F.mse_loss(x(measured_at / 5), measured)
    return data + 0.01 * residual(x(times / 5), c, k).square().mean()


fit([*x.parameters(), c, k], misfit, 500)
print(f"c = {c:.2f} (exact: {C}), k = {k:.2f} (exact: {K})")
assert abs(c - C) < 0.15
assert abs(k - K) < 0.4

with torch.no_grad():
    path = x(times / 5).flatten().tolist()
    at, true = times.flatten().tolist(), exact(times).flatten().tolist()
figure = plots.curves(
    {"exact": (at, true), "found": (at, path)},
    title="A spring, and 30 noisy measurements of it (dots)",
    xlabel="time t",
    ylabel="position x",
)
figure.axes[0].plot(measured_at, measured, ".", color="grey")
plots.show(figure, "spring.png")

# %% [markdown]
# Both $c$ and $k$ started at 1. For an equation as simple as this there are quicker and more exact methods.
# This one is of use where some of the equation is unknown, or where there are few and noisy measurements of
# something that is known to obey it.
#
# ## What comes next
#
# These programs are small relatives of what is in use. What differs is scale, data and
# architecture. Gradients come from the same backward pass.
#
# **Images.** LeCun and others trained a convolutional network on zip codes by backpropagation
# ("Backpropagation applied to handwritten zip code recognition", 1989). Krizhevsky, Sutskever and Hinton
# ("ImageNet classification with deep convolutional neural networks", 2012) trained one with 60 million
# parameters on 1.2 million photographs of 1,000 classes, with ReLU, dropout and graphics processors. He,
# Zhang, Ren and Sun ("Deep residual learning for image recognition", 2015) let each block *add* to its
# input, so that gradients reach the early ones. And networks that take noise away, as ours did, step by
# step, make pictures out of nothing but noise (Ho, Jain and Abbeel, "Denoising diffusion probabilistic
# models", 2020).
#
# **Speech.** Waibel and others told phonemes apart with a network that shares its weights over time ("Phoneme
# recognition using time-delay neural networks", 1989). Radford and others ("Robust speech recognition via
# large-scale weak supervision", 2022) trained a transformer on 680,000 hours of sound with transcripts. Its
# input is a logarithmic spectrogram, its loss the cross-entropy of the text. Our men and children show
# on a small scale why the hours matter: a network knows the voices that it has heard.
#
# **Language.** Bengio and others ("A neural probabilistic language model", 2003) predicted the next word with
# an embedding and a multilayer perceptron; Sutskever, Martens and Hinton ("Generating text with recurrent
# neural networks", 2011) the next character, as here. Vaswani and others ("Attention is all you need", 2017)
# replaced the recurrence with attention, so that all places of a text can be computed at once. Brown and
# others ("Language models are few-shot learners", 2020) trained such a model with 175 billion parameters on
# 300 billion tokens, which are characters, words or pieces of words. The loss was that of `loss_of`: the
# cross-entropy of what comes next. How it falls with size, data and computation was measured by Kaplan and
# others ("Scaling laws for neural language models", 2020). What one talks to today is trained further, on
# people's answers and judgements (Ouyang and others, "Training language models to follow instructions with
# human feedback", 2022): again by gradients.
#
# **Proteins.** A protein is a chain of amino acids that folds into a shape, which decides what it does.
# Jumper and others ("Highly accurate protein structure prediction with AlphaFold", 2021) predict it from
# the sequence, with attention over related sequences and between the places of the chain; in a blind test
# most of the predictions were about as accurate as experiments. The structures of about 100,000 proteins
# were known from experiments by then. As with our spring, knowledge of the subject is built into the
# network and its loss.
#
# ## Exercises
#
# **15.1** A language model that chooses among $n$ characters with equal probability has a loss of $\ln n$. A
# model has a loss of 1.5 nats per character. Among how many equally probable characters would a choice be as
# uncertain? (This is called the *perplexity*.)

# %%
answer = ...
check("15.1", answer)

# %% [markdown]
# **15.2** To train from the sound itself, one needs the backward of the spectrogram. For one piece $x$ of 8
# numbers, the power at frequency $j$ is
#
# $$p_j = \Bigl(\sum_i C_{ji} x_i\Bigr)^2 + \Bigl(\sum_i S_{ji} x_i\Bigr)^2, \qquad
#   C_{ji} = \cos\tfrac{2\pi j i}{8},\ S_{ji} = \sin\tfrac{2\pi j i}{8}$$
#
# with $j$ from 0 to 4. `x` has the shape $(N, 8)$ and `grad_output` the shape $(N, 5)$. Write
# $\partial L/\partial x$.

# %%
angle = 2 * pi * torch.arange(5)[:, None] * torch.arange(8).double() / 8
cosine, sine = angle.cos(), angle.sin()


def power_backward(grad_output, x):
    return ...


check("15.2", power_backward)

# %% [markdown]
# **15.3** Let the position be $x(t) = \sum_j v_j \tanh(w_j t)$, with `t` and `w` as below and without
# friction. The residual at the time $t_i$ is
#
# $$r_i = \ddot x(t_i) + k\,x(t_i)$$
#
# Write its backward: from `grad_output`, $\partial L/\partial r$ of the shape $(6)$, the gradients
# $\partial L/\partial v$ of the shape $(4)$ and $\partial L/\partial k$, a single number. (First: what is the
# second derivative of $\tanh(w_j t)$ by $t$?)

# %%
t, w = torch.linspace(0.1, 2, 6).double(), torch.linspace(0.5, 2, 4).double()


def residual_backward(grad_output, v, k):
    return ...


check("15.3", residual_backward)
