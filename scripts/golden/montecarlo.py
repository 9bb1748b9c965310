# Writes src/native/kernels/montecarlo/golden.json: closed forms and finite differences for what the kernels simulate.
# Needs QuantLib 1.44, scipy 1.17.1, numpy 2.4.6.
import json
import math
from pathlib import Path

import numpy as np
import QuantLib as ql
import scipy
from scipy.stats import norm, ncx2, qmc
from scipy.stats import t as student

root = Path(__file__).resolve().parents[2]
today = ql.Date(1, 1, 2024)
ql.Settings.instance().evaluationDate = today
count = ql.Actual365Fixed()


def years(t):
    return today + ql.Period(round(t * 365), ql.Days)


def handle(rate):
    return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))


def process(spot, rate, dividend, volatility):
    vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count))
    return ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)), handle(dividend), handle(rate), vol
    )


sides = {'call': ql.Option.Call, 'put': ql.Option.Put}
cases = []


def case(source, options, price, tolerance=0, why='', kernel='mc_option', **more):
    cases.append({'kernel': kernel, 'source': source, 'options': options, 'price': float(price),
                  'tolerance': tolerance, 'why': why, **more})


QL = f'QuantLib {ql.__version__} '

# European and digital, with Greeks.
for side, spot, strike, rate, dividend, volatility, t in [
    ('call', 100, 100, 0.05, 0.02, 0.2, 1.0), ('put', 100, 110, 0.03, 0.0, 0.35, 2.0), ('call', 50, 40, -0.01, 0.01, 0.15, 0.2),
]:
    market = process(spot, rate, dividend, volatility)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(sides[side], strike), ql.EuropeanExercise(years(t)))
    option.setPricingEngine(ql.AnalyticEuropeanEngine(market))
    options = dict(side=side, spot=spot, strike=strike, rate=rate, dividend=dividend, volatility=volatility, maturity=t)
    case(QL + 'AnalyticEuropeanEngine (Black, Scholes 1973)', options, option.NPV(),
         greeks=[option.delta(), option.gamma(), option.vega(), option.rho(), option.theta()])
    digital = ql.VanillaOption(ql.CashOrNothingPayoff(sides[side], strike, 10), ql.EuropeanExercise(years(t)))
    digital.setPricingEngine(ql.AnalyticEuropeanEngine(market))
    case(QL + 'AnalyticEuropeanEngine, cash or nothing', {**options, 'payoff': 'digital', 'payout': 10}, digital.NPV())

# Barriers watched continuously: Haug 2007, 4.17.1, by Reiner and Rubinstein 1991.
kinds = {'up_out': ql.Barrier.UpOut, 'down_out': ql.Barrier.DownOut, 'up_in': ql.Barrier.UpIn, 'down_in': ql.Barrier.DownIn}
for kind, barrier in [('up_out', 125), ('down_out', 85), ('up_in', 115), ('down_in', 92)]:
    for side in sides:
        option = ql.BarrierOption(kinds[kind], barrier, 0.0, ql.PlainVanillaPayoff(sides[side], 100), ql.EuropeanExercise(years(1)))
        option.setPricingEngine(ql.AnalyticBarrierEngine(process(100, 0.08, 0.04, 0.25)))
        case(QL + 'AnalyticBarrierEngine (Haug 2007, 4.17.1)',
             dict(side=side, payoff='barrier', barrierKind=kind, barrier=barrier, monitoring='continuous', steps=4, spot=100, strike=100,
                  rate=0.08, dividend=0.04, volatility=0.25, maturity=1.0), option.NPV())

# Asian: the geometric mean is published, the arithmetic one by finite differences.
case('Clewlow, Strickland 1998, Implementing Derivatives Models, p. 118-123: geometric mean of ten dates',
     dict(side='call', payoff='asian_geometric', steps=10, spot=100, strike=100, rate=0.06, dividend=0.03, volatility=0.2, maturity=1.0),
     5.3425606635, 0.002, 'dates of 360 days a year there, ten equal steps here')
dates = [years(i / 10) for i in range(1, 11)]
for side in sides:
    option = ql.DiscreteAveragingAsianOption(ql.Average.Arithmetic, 0.0, 0, dates, ql.PlainVanillaPayoff(sides[side], 100),
                                             ql.EuropeanExercise(dates[-1]))
    option.setPricingEngine(ql.FdBlackScholesAsianEngine(process(100, 0.06, 0.03, 0.2), 400, 400, 100))
    case(QL + 'FdBlackScholesAsianEngine, 400 steps, grid 400 x 100',
         dict(side=side, payoff='asian', control='geometric', steps=10, spot=100, strike=100, rate=0.06, dividend=0.03, volatility=0.2,
              maturity=1.0), option.NPV(), 0.01, 'dates are whole days, and the grid of the finite differences')

# Lookbacks: the continuous price (Haug 2007, 4.15), moved to discrete dates by Broadie, Glasserman, Kou 1999.
spot, rate, dividend, volatility, steps = 100, 0.06, 0.02, 0.3, 500
shift = math.exp(0.5826 * volatility * math.sqrt(1 / steps))
for side in sides:
    option = ql.ContinuousFloatingLookbackOption(spot, ql.FloatingTypePayoff(sides[side]), ql.EuropeanExercise(years(1)))
    option.setPricingEngine(ql.AnalyticContinuousFloatingLookbackEngine(process(spot, rate, dividend, volatility)))
    forward = spot * math.exp(-dividend)
    price = option.NPV()
    price = (price + forward) / shift - forward if side == 'put' else forward - (forward - price) * shift
    case(QL + 'AnalyticContinuousFloatingLookbackEngine (Haug 2007, 4.15.1) with the correction of Broadie, Glasserman, Kou 1999',
         dict(side=side, payoff='lookback_floating', steps=steps, spot=spot, rate=rate, dividend=dividend, volatility=volatility, maturity=1.0),
         price, 0.02, 'the correction is of first order')
    option = ql.ContinuousFixedLookbackOption(spot, ql.PlainVanillaPayoff(sides[side], 100), ql.EuropeanExercise(years(1)))
    option.setPricingEngine(ql.AnalyticContinuousFixedLookbackEngine(process(spot, rate, dividend, volatility)))
    # At the money an extreme is never worth less than the strike.
    discounted = 100 * math.exp(-rate)
    price = (option.NPV() + discounted) / shift - discounted if side == 'call' else discounted - (discounted - option.NPV()) * shift
    case(QL + 'AnalyticContinuousFixedLookbackEngine (Haug 2007, 4.15.2) with the same correction',
         dict(side=side, payoff='lookback_fixed', steps=steps, spot=spot, strike=100, rate=rate, dividend=dividend, volatility=volatility,
              maturity=1.0), price, 0.02, 'the correction is of first order')

# Merton: the Poisson sum of Black-Scholes prices.
def merton(spot, strike, rate, dividend, volatility, t, intensity, mean, deviation):
    total, jump = 0.0, math.exp(mean + deviation**2 / 2) - 1
    for n in range(80):
        weight = math.exp(-intensity * t) * (intensity * t) ** n / math.factorial(n)
        variance = volatility**2 * t + n * deviation**2
        forward = spot * math.exp((rate - dividend - intensity * jump) * t + n * (mean + deviation**2 / 2))
        d1 = (math.log(forward / strike) + variance / 2) / math.sqrt(variance)
        total += weight * math.exp(-rate * t) * (forward * norm.cdf(d1) - strike * norm.cdf(d1 - math.sqrt(variance)))
    return total


for intensity, mean, deviation, steps in [(0.5, -0.1, 0.15, 4), (5.0, 0.02, 0.05, 12), (20.0, -0.01, 0.02, 3)]:
    case(f'Merton 1976: the sum of 80 Black-Scholes prices, scipy {scipy.__version__}',
         dict(process='merton', side='call', steps=steps, spot=100, strike=105, rate=0.05, dividend=0.01, volatility=0.2, maturity=1.0,
              jumpRate=intensity, jumpMean=mean, jumpVolatility=deviation),
         merton(100, 105, 0.05, 0.01, 0.2, 1.0, intensity, mean, deviation))

# Heston: published prices, checked against QuantLib.
def heston(spot, strike, rate, t, v0, kappa, theta, xi, rho):
    model = ql.HestonModel(ql.HestonProcess(handle(rate), handle(0.0), ql.QuoteHandle(ql.SimpleQuote(spot)), v0, kappa, theta, xi, rho))
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(years(t)))
    option.setPricingEngine(ql.AnalyticHestonEngine(model, 1e-10, 100000))
    return option.NPV()


for source, published, strike, rate, t, v0, kappa, theta, xi, rho, steps, bias in [
    ('Broadie, Kaya 2006, Exact simulation of stochastic volatility, table 1', 6.8061, 100, 0.0319, 1, 0.010201, 6.21, 0.019, 0.61, -0.7, 50, 0.005),
    ('Broadie, Kaya 2006, table 2', 34.9998, 100, 0.05, 5, 0.09, 2.0, 0.09, 1.0, -0.3, 100, 0.02),
    ('Andersen 2008, case I, at the money', 13.085, 100, 0, 10, 0.04, 0.5, 0.04, 1.0, -0.9, 80, 0.02),
    ('Andersen 2008, case I, strike 140', 0.296, 140, 0, 10, 0.04, 0.5, 0.04, 1.0, -0.9, 80, 0.02),
    ('Andersen 2008, case II, at the money', 16.649, 100, 0, 15, 0.04, 0.3, 0.04, 0.9, -0.5, 120, 0.03),
]:
    check = heston(100, strike, rate, t, v0, kappa, theta, xi, rho)
    print(source, published, check)
    assert abs(published - check) < 2e-3, (source, published, check)
    case(f'{source}; {QL}AnalyticHestonEngine agrees',
         dict(process='heston', side='call', steps=steps, spot=100, strike=strike, rate=rate, volatility=math.sqrt(v0), maturity=float(t),
              meanReversion=kappa, longVariance=theta, varianceVolatility=xi, correlation=rho),
         published, bias, 'bias of the scheme at this step')

# Local volatility: the square-root CEV process has a closed form (Cox 1975; Schroder 1989).
def cev_call(spot, strike, t, deviation, beta):
    """dS = deviation S^beta dW without drift, beta < 1."""
    q = 1 / (2 * (1 - beta))
    scale = 1 / (deviation**2 * (1 - beta) ** 2 * t)
    a, b = scale * strike ** (2 * (1 - beta)), scale * spot ** (2 * (1 - beta))
    return spot * ncx2.sf(a, 2 * q + 2, b) - strike * ncx2.cdf(b, 2 * q, a)


low, high, columns = -3.0, 3.0, 241
levels = np.linspace(low, high, columns)
grid = 0.25 * np.exp(-0.5 * levels)
for strike in (85, 100, 120):
    case(f'square-root CEV, Schroder 1989, scipy {scipy.__version__} ncx2',
         dict(process='local_vol', side='call', steps=100, spot=100, strike=strike, volatility=0.25, maturity=1.0, gridTimes=1,
              gridSpots=columns, gridLow=low, gridHigh=high),
         cev_call(100, strike, 1.0, 0.25 * 10, 0.5), 0.02, 'Euler steps of a hundredth of a year',
         localVolatility={'first': 0.25, 'slope': -0.5})

# American: implicit finite differences.
for spot, volatility, t in [(36, 0.2, 1), (40, 0.4, 1), (44, 0.2, 2)]:
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, 40), ql.AmericanExercise(today, years(t)))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process(spot, 0.06, 0.0, volatility), 2000, 2000))
    case(QL + 'FdBlackScholesVanillaEngine, 2,000 x 2,000',
         dict(side='put', steps=100 * t, spot=spot, strike=40, rate=0.06, volatility=volatility, maturity=float(t)),
         option.NPV(), 0.025, 'exercise on dates and by a rule found by regression: a lower bound', kernel='mc_american')

# Baskets of two: Stulz 1982.
for payoff, kind in (('best_of', ql.MaxBasketPayoff), ('worst_of', ql.MinBasketPayoff)):
    for side in sides:
        first, second = process(100, 0.05, 0.02, 0.2), process(105, 0.05, 0.01, 0.35)
        option = ql.BasketOption(kind(ql.PlainVanillaPayoff(sides[side], 100)), ql.EuropeanExercise(years(1)))
        option.setPricingEngine(ql.StulzEngine(first, second, 0.4))
        case(QL + 'StulzEngine (Stulz 1982)',
             dict(side=side, payoff=payoff, steps=1, strike=100, rate=0.05, maturity=1.0, assets=2), option.NPV(), kernel='mc_basket',
             arrays=dict(spots=[100, 105], weights=[1, 1], volatilities=[0.2, 0.35], dividends=[0.02, 0.01], correlations=[1, 0.4, 0.4, 1]))

# Value at risk: quantiles and shortfalls.
risks = []
for copula, nu in (('normal', None), ('student', 3.0), ('student', 6.5)):
    for confidence in (0.95, 0.995):
        if nu is None:
            q = norm.ppf(confidence)
            shortfall = norm.pdf(q) / (1 - confidence)
        else:
            scale = math.sqrt((nu - 2) / nu)
            q0 = student.ppf(confidence, nu)
            q = scale * q0
            shortfall = scale * student.pdf(q0, nu) / (1 - confidence) * (nu + q0**2) / (nu - 1)
        risks.append(dict(copula=copula, degrees=nu or 5.0, confidence=confidence, valueAtRisk=float(q), expectedShortfall=float(shortfall)))

dimensions = [0, 1, 2, 10, 100, 511, 1023]
points = qmc.Sobol(1024, scramble=False).random(64)
sobol = dict(source=f'scipy {scipy.__version__} qmc.Sobol (Joe, Kuo 2008), unscrambled', dimensions=dimensions,
             points=[[float(x) for x in row[dimensions]] for row in points])

golden = dict(
    note='price is what a kernel has to meet within 3 standard errors plus tolerance; why says where the tolerance is from',
    cases=cases, sobol=sobol, risks=dict(source=f'scipy {scipy.__version__} norm and t, of deviation 1', rows=risks))
(root / 'src/native/kernels/montecarlo/golden.json').write_text(json.dumps(golden, indent=1) + '\n')
