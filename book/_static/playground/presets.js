// Situations worth a look. Each is a state of the page in the form of its address; the list
// on the page, which chapters link to, repeats names and sentences.

export const PRESETS = [
  {
    id: "ravine", name: "The ravine",
    sentence: "SGD zigzags between the walls, momentum runs along the floor.",
    state: "surface=ravine&kappa=50&steps=100&m=SGD,lr:0.038&m=Momentum,lr:0.02,momentum:0.8&focus=Momentum",
  },
  {
    id: "edge", name: "The edge",
    sentence:
      "At a rate just above 2/κ plain SGD is thrown out; with momentum the edge lies at 2(1+μ)/κ.",
    state: "surface=ravine&kappa=20&steps=60&m=SGD,lr:0.102&m=Momentum,lr:0.102,momentum:0.6&focus=SGD",
  },
  {
    id: "friction", name: "Too little friction",
    sentence: "With μ = 0.98 the ball passes the minimum again and again: a loss that swings.",
    state: "surface=ravine&kappa=10&steps=200&m=Momentum,lr:0.02,momentum:0.98&m=Nesterov,lr:0.02,momentum:0.98&focus=Momentum",
  },
  {
    id: "pathological", name: "Pathological curvature",
    sentence: "SGD bounces between the walls, while momentum and Adam find the floor and follow it.",
    state: "surface=pathological&start=5,5&steps=100&m=SGD,lr:10&m=Momentum,lr:1,momentum:0.9&m=Adam,lr:1&focus=Adam",
  },
  {
    id: "steep", name: "Steep optima",
    sentence: "Where the slope is nearly nothing and then far too much, only Adam stops in a well.",
    state: "surface=steep&start=0,0&steps=100&m=SGD,lr:0.5&m=Momentum,lr:0.1,momentum:0.9&m=Adam,lr:0.2&focus=Adam",
  },
  {
    id: "turned", name: "The turned ravine",
    sentence:
      "A rate for each weight helps along the axes; turn the ravine, and Adam ends far above momentum.",
    state: "surface=ravine&kappa=100&turn=40&steps=200&m=Momentum,lr:0.01,momentum:0.9&m=Adagrad,lr:0.6&m=RMSprop,lr:0.05&m=Adam,lr:0.15&focus=Adam",
  },
  {
    id: "saddle", name: "The saddle",
    sentence: "Beside the ridge the slope is tiny, so plain SGD is slow to leave; adaptive steps are not.",
    state: "surface=saddle&steps=120&m=SGD,lr:0.02&m=Momentum,lr:0.02,momentum:0.8&m=Adagrad,lr:0.1&m=RMSprop,lr:0.02&m=Adam,lr:0.03&focus=RMSprop",
  },
  {
    id: "plateau", name: "The plateau",
    sentence:
      "Far from the minimum there is almost no slope: SGD hardly moves, while methods whose steps have a length of their own go on.",
    state: "surface=plateau&start=-3.4,2.4&steps=100&m=SGD,lr:1&m=Momentum,lr:0.5,momentum:0.9&m=Adam,lr:0.2&m=Lion,lr:0.1&focus=SGD",
  },
  {
    id: "noise", name: "The noise floor",
    sentence: "With a constant rate the noise keeps the loss up; larger rates stay higher.",
    state: "surface=noisy&noise=2&steps=300&m=SGD,lr:0.15&m=Momentum,lr:0.03,momentum:0.9&m=Adam,lr:0.15&focus=SGD",
  },
  {
    id: "decay", name: "Decay the rate",
    sentence: "The same noise, but the rate falls to zero along a cosine, and the loss with it.",
    state: "surface=noisy&noise=2&steps=300&schedule=cosine&m=SGD,lr:0.15&m=Momentum,lr:0.03,momentum:0.9&m=Adam,lr:0.15&focus=SGD",
  },
  {
    id: "cliff", name: "The cliff",
    sentence: "One step on the wall throws SGD far away; clip the gradient at 1 and it stays.",
    state: "surface=cliff&steps=200&m=SGD,lr:0.1&m=Adam,lr:0.05&focus=SGD",
  },
  {
    id: "epsilon", name: "What ε does",
    sentence:
      "With ε = 10 Adam’s rate is nearly the same for both weights; AMSGrad beside it keeps 10⁻⁸.",
    state: "surface=ravine&kappa=5&steps=100&m=Adam,lr:1,eps:10&m=AMSGrad,lr:0.15&focus=Adam&axis=eps",
  },
  {
    id: "network", name: "A trained network",
    sentence:
      "From this start SGD, momentum and RMSprop end beside one trained network, Adam beside another.",
    state: "surface=network&start=12,8&steps=150&m=SGD,lr:8&m=Momentum,lr:3,momentum:0.9&m=RMSprop,lr:0.2&m=Adam,lr:0.5&focus=Adam",
  },
];
