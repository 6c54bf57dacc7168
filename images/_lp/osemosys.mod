# OSeMOSYS, the open source energy modelling system, in GNU MathProg.
#
# Written from the published equations: M. Howells et al., "OSeMOSYS: The Open Source Energy Modeling System",
# Energy Policy 39 (2011) 5850-5870, doi:10.1016/j.enpol.2011.06.033; the storage blocks of M. Welsch et al.,
# Energy 46 (2012) 337-350, doi:10.1016/j.energy.2012.08.017; https://osemosys.readthedocs.io (structure).
# Names of sets, parameters and results are the published ones. Defaults are in osemosys_defaults.txt: a default must not
# be given both here and in the data. Accounting identities are expressions, not variables.
# What is decided here where the published text leaves room is said in README.md beside this file.

# ---------------------------------------------------------------------------------------------------------------- sets
set REGION;
set TECHNOLOGY;
set FUEL;
set TIMESLICE;
set YEAR;
set MODE_OF_OPERATION;
set EMISSION default {};
set STORAGE default {};
set SEASON default {};
set DAYTYPE default {};
set DAILYTIMEBRACKET default {};

# ---------------------------------------------------------------------------------------------------------- parameters
param ResultsPath, symbolic, default "results";

# time
param YearSplit{TIMESLICE, YEAR} >= 0;
param DaySplit{DAILYTIMEBRACKET, YEAR};
param DaysInDayType{SEASON, DAYTYPE, YEAR};
param Conversionls{TIMESLICE, SEASON};
param Conversionld{TIMESLICE, DAYTYPE};
param Conversionlh{TIMESLICE, DAILYTIMEBRACKET};

# finance
param DiscountRate{REGION};
param DiscountRateIdv{REGION, TECHNOLOGY};    # of one technology; -1: the region's
param DiscountRateStorage{REGION, STORAGE};   # -1: the region's
param DepreciationMethod{REGION} in {1, 2};
param OperationalLife{REGION, TECHNOLOGY} > 0;
param OperationalLifeStorage{REGION, STORAGE};

# demand and trade
param SpecifiedAnnualDemand{REGION, FUEL, YEAR};
param SpecifiedDemandProfile{REGION, FUEL, TIMESLICE, YEAR};
param AccumulatedAnnualDemand{REGION, FUEL, YEAR};
param TradeRoute{REGION, REGION, FUEL, YEAR};

# technologies
param CapacityToActivityUnit{REGION, TECHNOLOGY};
param CapacityFactor{REGION, TECHNOLOGY, TIMESLICE, YEAR};
param AvailabilityFactor{REGION, TECHNOLOGY, YEAR};
param ResidualCapacity{REGION, TECHNOLOGY, YEAR};
param InputActivityRatio{REGION, TECHNOLOGY, FUEL, MODE_OF_OPERATION, YEAR};
param OutputActivityRatio{REGION, TECHNOLOGY, FUEL, MODE_OF_OPERATION, YEAR};
param CapitalCost{REGION, TECHNOLOGY, YEAR};
param VariableCost{REGION, TECHNOLOGY, MODE_OF_OPERATION, YEAR};
param FixedCost{REGION, TECHNOLOGY, YEAR};
param TechWithCapacityNeededToMeetPeakTS{REGION, TECHNOLOGY};   # of older data files; enters no equation

# storage
param TechnologyToStorage{REGION, TECHNOLOGY, STORAGE, MODE_OF_OPERATION};
param TechnologyFromStorage{REGION, TECHNOLOGY, STORAGE, MODE_OF_OPERATION};
param StorageLevelStart{REGION, STORAGE};
param StorageMaxChargeRate{REGION, STORAGE};
param StorageMaxDischargeRate{REGION, STORAGE};
param MinStorageCharge{REGION, STORAGE, YEAR};
param CapitalCostStorage{REGION, STORAGE, YEAR};
param ResidualStorageCapacity{REGION, STORAGE, YEAR};

# limits; -1 stands for none
param CapacityOfOneTechnologyUnit{REGION, TECHNOLOGY, YEAR};
param TotalAnnualMaxCapacity{REGION, TECHNOLOGY, YEAR};
param TotalAnnualMinCapacity{REGION, TECHNOLOGY, YEAR};
param TotalAnnualMaxCapacityInvestment{REGION, TECHNOLOGY, YEAR};
param TotalAnnualMinCapacityInvestment{REGION, TECHNOLOGY, YEAR};
param TotalTechnologyAnnualActivityUpperLimit{REGION, TECHNOLOGY, YEAR};
param TotalTechnologyAnnualActivityLowerLimit{REGION, TECHNOLOGY, YEAR};
param TotalTechnologyModelPeriodActivityUpperLimit{REGION, TECHNOLOGY};
param TotalTechnologyModelPeriodActivityLowerLimit{REGION, TECHNOLOGY};

# reserve margin and renewable target
param ReserveMarginTagTechnology{REGION, TECHNOLOGY, YEAR};
param ReserveMarginTagFuel{REGION, FUEL, YEAR};
param ReserveMargin{REGION, YEAR};
param RETagTechnology{REGION, TECHNOLOGY, YEAR};
param RETagFuel{REGION, FUEL, YEAR};
param REMinProductionTarget{REGION, YEAR};

# emissions
param EmissionActivityRatio{REGION, TECHNOLOGY, EMISSION, MODE_OF_OPERATION, YEAR};
param EmissionsPenalty{REGION, EMISSION, YEAR};
param AnnualExogenousEmission{REGION, EMISSION, YEAR};
param AnnualEmissionLimit{REGION, EMISSION, YEAR};
param ModelPeriodExogenousEmission{REGION, EMISSION};
param ModelPeriodEmissionLimit{REGION, EMISSION};

# ------------------------------------------------------------------------------------------------ what the data couple
# A preprocessed data file may give these sets; without, they are found from the ratios.
set MODExTECHNOLOGYperFUELout{f in FUEL} dimen 2 default setof{m in MODE_OF_OPERATION, t in TECHNOLOGY:
    exists{r in REGION, y in YEAR} OutputActivityRatio[r,t,f,m,y] <> 0} (m,t);
set MODExTECHNOLOGYperFUELin{f in FUEL} dimen 2 default setof{m in MODE_OF_OPERATION, t in TECHNOLOGY:
    exists{r in REGION, y in YEAR} InputActivityRatio[r,t,f,m,y] <> 0} (m,t);
set MODExTECHNOLOGYperEMISSION{e in EMISSION} dimen 2 default setof{m in MODE_OF_OPERATION, t in TECHNOLOGY:
    exists{r in REGION, y in YEAR} EmissionActivityRatio[r,t,e,m,y] <> 0} (m,t);
set MODExTECHNOLOGYperSTORAGEto{s in STORAGE} dimen 2 default setof{m in MODE_OF_OPERATION, t in TECHNOLOGY:
    exists{r in REGION} TechnologyToStorage[r,t,s,m] > 0} (m,t);
set MODExTECHNOLOGYperSTORAGEfrom{s in STORAGE} dimen 2 default setof{m in MODE_OF_OPERATION, t in TECHNOLOGY:
    exists{r in REGION} TechnologyFromStorage[r,t,s,m] > 0} (m,t);
set COUPLED_MODES := (setof{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELout[f]} (m,t))
    union (setof{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELin[f]} (m,t))
    union (setof{e in EMISSION, (m,t) in MODExTECHNOLOGYperEMISSION[e]} (m,t))
    union (setof{s in STORAGE, (m,t) in MODExTECHNOLOGYperSTORAGEto[s]} (m,t))
    union (setof{s in STORAGE, (m,t) in MODExTECHNOLOGYperSTORAGEfrom[s]} (m,t));
# A mode that is coupled to nothing can matter only where it costs, or where an activity has a lower limit.
set MODEperTECHNOLOGY{t in TECHNOLOGY} default {m in MODE_OF_OPERATION: (m,t) in COUPLED_MODES
    or (exists{r in REGION, y in YEAR} VariableCost[r,t,m,y] <> 0)
    or (exists{r in REGION, y in YEAR} TotalTechnologyAnnualActivityLowerLimit[r,t,y] > 0)
    or (exists{r in REGION} TotalTechnologyModelPeriodActivityLowerLimit[r,t] > 0)};
set PRODUCES := setof{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELout[f]} (t,f);
set USES := setof{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELin[f]} (t,f);
set EMITS := setof{e in EMISSION, (m,t) in MODExTECHNOLOGYperEMISSION[e]} (t,e);
set LINKS dimen 4 := {r in REGION, rr in REGION, f in FUEL, y in YEAR: r <> rr and TradeRoute[r,rr,f,y] <> 0};

# ------------------------------------------------------------------------------------------------------------- finance
param FirstYear := min{y in YEAR} y;
param LastYear := max{y in YEAR} y;
param Horizon := LastYear - FirstYear + 1;
param DiscountFactor{r in REGION, y in YEAR} := (1 + DiscountRate[r]) ^ (y - FirstYear);
param DiscountFactorMid{r in REGION, y in YEAR} := (1 + DiscountRate[r]) ^ (y - FirstYear + 0.5);
param RateIdv{r in REGION, t in TECHNOLOGY} :=
    if DiscountRateIdv[r,t] = -1 then DiscountRate[r] else DiscountRateIdv[r,t];
param RateStorage{r in REGION, s in STORAGE} :=
    if DiscountRateStorage[r,s] = -1 then DiscountRate[r] else DiscountRateStorage[r,s];
# The recovery factor and the annuity have limits at a rate of zero: 1 / life and life.
param CapitalRecoveryFactor{r in REGION, t in TECHNOLOGY} := if RateIdv[r,t] = 0 then 1 / OperationalLife[r,t]
    else (1 - 1 / (1 + RateIdv[r,t])) / (1 - (1 + RateIdv[r,t]) ^ (-OperationalLife[r,t]));
param PvAnnuity{r in REGION, t in TECHNOLOGY} := if DiscountRate[r] = 0 then OperationalLife[r,t]
    else (1 - (1 + DiscountRate[r]) ^ (-OperationalLife[r,t])) * (1 + DiscountRate[r]) / DiscountRate[r];
param InvestmentCost{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    CapitalCost[r,t,y] * CapitalRecoveryFactor[r,t] * PvAnnuity[r,t];
param SalvageShare{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    if y + OperationalLife[r,t] - 1 <= LastYear then 0
    else if DepreciationMethod[r] = 1 and DiscountRate[r] > 0
    then 1 - ((1 + DiscountRate[r]) ^ (LastYear - y + 1) - 1) / ((1 + DiscountRate[r]) ^ OperationalLife[r,t] - 1)
    else 1 - (LastYear - y + 1) / OperationalLife[r,t];
param SalvageShareStorage{r in REGION, s in STORAGE, y in YEAR} :=
    if y + OperationalLifeStorage[r,s] - 1 <= LastYear then 0
    else if DepreciationMethod[r] = 1 and RateStorage[r,s] > 0
    then 1 - ((1 + RateStorage[r,s]) ^ (LastYear - y + 1) - 1)
        / ((1 + RateStorage[r,s]) ^ OperationalLifeStorage[r,s] - 1)
    else 1 - (LastYear - y + 1) / OperationalLifeStorage[r,s];

# ------------------------------------------------------------------------------------------ contradictions in the data
check{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMaxCapacityInvestment[r,t,y] <> -1}:
    TotalAnnualMaxCapacityInvestment[r,t,y] >= TotalAnnualMinCapacityInvestment[r,t,y];
check{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMaxCapacity[r,t,y] <> -1}:
    TotalAnnualMaxCapacity[r,t,y] >= TotalAnnualMinCapacity[r,t,y];
check{r in REGION, t in TECHNOLOGY, y in YEAR: TotalTechnologyAnnualActivityUpperLimit[r,t,y] <> -1}:
    TotalTechnologyAnnualActivityUpperLimit[r,t,y] >= TotalTechnologyAnnualActivityLowerLimit[r,t,y];
check{(r,rr,f,y) in LINKS}: TradeRoute[rr,r,f,y] = TradeRoute[r,rr,f,y];

# ----------------------------------------------------------------------------------------------------------- variables
var NewCapacity{REGION, TECHNOLOGY, YEAR} >= 0;
var NumberOfNewTechnologyUnits{r in REGION, t in TECHNOLOGY, y in YEAR: CapacityOfOneTechnologyUnit[r,t,y] <> 0}
    >= 0, integer;
var TotalCapacityAnnual{REGION, TECHNOLOGY, YEAR} >= 0;
var RateOfActivity{REGION, TIMESLICE, t in TECHNOLOGY, MODEperTECHNOLOGY[t], YEAR} >= 0;
var TotalAnnualTechnologyActivityByMode{REGION, t in TECHNOLOGY, MODEperTECHNOLOGY[t], YEAR} >= 0;
var Trade{r in REGION, rr in REGION, TIMESLICE, f in FUEL, y in YEAR: (r,rr,f,y) in LINKS};

var RateOfStorageCharge{REGION, STORAGE, SEASON, DAYTYPE, DAILYTIMEBRACKET, YEAR} >= 0;
var RateOfStorageDischarge{REGION, STORAGE, SEASON, DAYTYPE, DAILYTIMEBRACKET, YEAR} >= 0;
var StorageLevelYearStart{REGION, STORAGE, YEAR} >= 0;
var StorageLevelYearFinish{REGION, STORAGE, YEAR} >= 0;
var StorageLevelSeasonStart{REGION, STORAGE, SEASON, YEAR} >= 0;
var StorageLevelDayTypeStart{REGION, STORAGE, SEASON, DAYTYPE, YEAR} >= 0;
var StorageLevelDayTypeFinish{REGION, STORAGE, SEASON, DAYTYPE, YEAR} >= 0;
var NewStorageCapacity{REGION, STORAGE, YEAR} >= 0;
var StorageUpperLimit{REGION, STORAGE, YEAR} >= 0;

# ----------------------------------------------------------------------------------------------------------- objective
minimize cost:
    sum{r in REGION, t in TECHNOLOGY, y in YEAR} (
        (FixedCost[r,t,y] * TotalCapacityAnnual[r,t,y]
         + sum{m in MODEperTECHNOLOGY[t]} VariableCost[r,t,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]
        ) / DiscountFactorMid[r,y]
        + InvestmentCost[r,t,y] * NewCapacity[r,t,y]
          * (1 / DiscountFactor[r,y] - SalvageShare[r,t,y] / (1 + DiscountRate[r]) ^ Horizon))
    + sum{r in REGION, e in EMISSION, y in YEAR: EmissionsPenalty[r,e,y] <> 0} EmissionsPenalty[r,e,y]
        * (sum{(m,t) in MODExTECHNOLOGYperEMISSION[e]: EmissionActivityRatio[r,t,e,m,y] <> 0}
            EmissionActivityRatio[r,t,e,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]) / DiscountFactorMid[r,y]
    + sum{r in REGION, s in STORAGE, y in YEAR} CapitalCostStorage[r,s,y] * NewStorageCapacity[r,s,y]
        * (1 / (1 + RateStorage[r,s]) ^ (y - FirstYear)
           - SalvageShareStorage[r,s,y] / (1 + RateStorage[r,s]) ^ Horizon);

# ------------------------------------------------------------------------------------------------------------ capacity
s.t. TotalCapacity{r in REGION, t in TECHNOLOGY, y in YEAR}: TotalCapacityAnnual[r,t,y]
    = sum{yy in YEAR: y - yy >= 0 and y - yy < OperationalLife[r,t]} NewCapacity[r,t,yy] + ResidualCapacity[r,t,y];
s.t. WholeUnits{r in REGION, t in TECHNOLOGY, y in YEAR: CapacityOfOneTechnologyUnit[r,t,y] <> 0}:
    NewCapacity[r,t,y] = CapacityOfOneTechnologyUnit[r,t,y] * NumberOfNewTechnologyUnits[r,t,y];
s.t. AnnualActivity{r in REGION, t in TECHNOLOGY, m in MODEperTECHNOLOGY[t], y in YEAR}:
    TotalAnnualTechnologyActivityByMode[r,t,m,y] = sum{l in TIMESLICE} RateOfActivity[r,l,t,m,y] * YearSplit[l,y];
s.t. CapacityAdequacy{r in REGION, l in TIMESLICE, t in TECHNOLOGY, y in YEAR: card(MODEperTECHNOLOGY[t]) > 0}:
    sum{m in MODEperTECHNOLOGY[t]} RateOfActivity[r,l,t,m,y]
    <= TotalCapacityAnnual[r,t,y] * CapacityFactor[r,t,l,y] * CapacityToActivityUnit[r,t];
s.t. PlannedMaintenance{r in REGION, t in TECHNOLOGY, y in YEAR:
        AvailabilityFactor[r,t,y] < 1 and card(MODEperTECHNOLOGY[t]) > 0}:
    sum{m in MODEperTECHNOLOGY[t]} TotalAnnualTechnologyActivityByMode[r,t,m,y]
    <= TotalCapacityAnnual[r,t,y] * AvailabilityFactor[r,t,y] * CapacityToActivityUnit[r,t]
        * (sum{l in TIMESLICE} CapacityFactor[r,t,l,y] * YearSplit[l,y]);
s.t. MaximumCapacity{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMaxCapacity[r,t,y] <> -1}:
    TotalCapacityAnnual[r,t,y] <= TotalAnnualMaxCapacity[r,t,y];
s.t. MinimumCapacity{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMinCapacity[r,t,y] > 0}:
    TotalCapacityAnnual[r,t,y] >= TotalAnnualMinCapacity[r,t,y];
s.t. MaximumInvestment{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMaxCapacityInvestment[r,t,y] <> -1}:
    NewCapacity[r,t,y] <= TotalAnnualMaxCapacityInvestment[r,t,y];
s.t. MinimumInvestment{r in REGION, t in TECHNOLOGY, y in YEAR: TotalAnnualMinCapacityInvestment[r,t,y] > 0}:
    NewCapacity[r,t,y] >= TotalAnnualMinCapacityInvestment[r,t,y];

# ------------------------------------------------------------------------------------------------------ energy balance
s.t. EnergyBalance{r in REGION, l in TIMESLICE, f in FUEL, y in YEAR}:
    (sum{(m,t) in MODExTECHNOLOGYperFUELout[f]: OutputActivityRatio[r,t,f,m,y] <> 0}
        OutputActivityRatio[r,t,f,m,y] * RateOfActivity[r,l,t,m,y]
     - sum{(m,t) in MODExTECHNOLOGYperFUELin[f]: InputActivityRatio[r,t,f,m,y] <> 0}
        InputActivityRatio[r,t,f,m,y] * RateOfActivity[r,l,t,m,y]) * YearSplit[l,y]
    - sum{rr in REGION: (r,rr,f,y) in LINKS} TradeRoute[r,rr,f,y] * Trade[r,rr,l,f,y]
    >= SpecifiedAnnualDemand[r,f,y] * (if SpecifiedAnnualDemand[r,f,y] <> 0 then SpecifiedDemandProfile[r,f,l,y]);
s.t. AnnualBalance{r in REGION, f in FUEL, y in YEAR: AccumulatedAnnualDemand[r,f,y] <> 0}:
    sum{(m,t) in MODExTECHNOLOGYperFUELout[f]: OutputActivityRatio[r,t,f,m,y] <> 0}
        OutputActivityRatio[r,t,f,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]
    - sum{(m,t) in MODExTECHNOLOGYperFUELin[f]: InputActivityRatio[r,t,f,m,y] <> 0}
        InputActivityRatio[r,t,f,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]
    - sum{rr in REGION, l in TIMESLICE: (r,rr,f,y) in LINKS} TradeRoute[r,rr,f,y] * Trade[r,rr,l,f,y]
    >= AccumulatedAnnualDemand[r,f,y];
s.t. TradeIsMutual{(r,rr,f,y) in LINKS, l in TIMESLICE: r < rr}: Trade[r,rr,l,f,y] + Trade[rr,r,l,f,y] = 0;

# ------------------------------------------------------------------------------------------------------------ activity
s.t. MaximumActivity{r in REGION, t in TECHNOLOGY, y in YEAR: TotalTechnologyAnnualActivityUpperLimit[r,t,y] <> -1}:
    sum{m in MODEperTECHNOLOGY[t]} TotalAnnualTechnologyActivityByMode[r,t,m,y]
    <= TotalTechnologyAnnualActivityUpperLimit[r,t,y];
s.t. MinimumActivity{r in REGION, t in TECHNOLOGY, y in YEAR: TotalTechnologyAnnualActivityLowerLimit[r,t,y] > 0}:
    sum{m in MODEperTECHNOLOGY[t]} TotalAnnualTechnologyActivityByMode[r,t,m,y]
    >= TotalTechnologyAnnualActivityLowerLimit[r,t,y];
s.t. MaximumPeriodActivity{r in REGION, t in TECHNOLOGY: TotalTechnologyModelPeriodActivityUpperLimit[r,t] <> -1}:
    sum{m in MODEperTECHNOLOGY[t], y in YEAR} TotalAnnualTechnologyActivityByMode[r,t,m,y]
    <= TotalTechnologyModelPeriodActivityUpperLimit[r,t];
s.t. MinimumPeriodActivity{r in REGION, t in TECHNOLOGY: TotalTechnologyModelPeriodActivityLowerLimit[r,t] > 0}:
    sum{m in MODEperTECHNOLOGY[t], y in YEAR} TotalAnnualTechnologyActivityByMode[r,t,m,y]
    >= TotalTechnologyModelPeriodActivityLowerLimit[r,t];

# ------------------------------------------------------------------------------------ reserve margin, renewable target
s.t. ReserveMarginHeld{r in REGION, l in TIMESLICE, y in YEAR: ReserveMargin[r,y] > 0
        and sum{f in FUEL} ReserveMarginTagFuel[r,f,y] > 0}:
    ReserveMargin[r,y] * (sum{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELout[f]:
        ReserveMarginTagFuel[r,f,y] <> 0 and OutputActivityRatio[r,t,f,m,y] <> 0}
        ReserveMarginTagFuel[r,f,y] * OutputActivityRatio[r,t,f,m,y] * RateOfActivity[r,l,t,m,y])
    <= sum{t in TECHNOLOGY: ReserveMarginTagTechnology[r,t,y] <> 0}
        ReserveMarginTagTechnology[r,t,y] * CapacityToActivityUnit[r,t] * TotalCapacityAnnual[r,t,y];
s.t. RenewableTarget{r in REGION, y in YEAR: REMinProductionTarget[r,y] > 0}:
    REMinProductionTarget[r,y] * (sum{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELout[f]:
        RETagFuel[r,f,y] <> 0 and OutputActivityRatio[r,t,f,m,y] <> 0}
        RETagFuel[r,f,y] * OutputActivityRatio[r,t,f,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y])
    <= sum{f in FUEL, (m,t) in MODExTECHNOLOGYperFUELout[f]:
        RETagTechnology[r,t,y] <> 0 and OutputActivityRatio[r,t,f,m,y] <> 0}
        RETagTechnology[r,t,y] * OutputActivityRatio[r,t,f,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y];

# ----------------------------------------------------------------------------------------------------------- emissions
s.t. AnnualEmissionsLimited{r in REGION, e in EMISSION, y in YEAR: AnnualEmissionLimit[r,e,y] <> -1}:
    sum{(m,t) in MODExTECHNOLOGYperEMISSION[e]: EmissionActivityRatio[r,t,e,m,y] <> 0}
        EmissionActivityRatio[r,t,e,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]
    <= AnnualEmissionLimit[r,e,y] - AnnualExogenousEmission[r,e,y];
s.t. ModelPeriodEmissionsLimited{r in REGION, e in EMISSION: ModelPeriodEmissionLimit[r,e] <> -1}:
    sum{(m,t) in MODExTECHNOLOGYperEMISSION[e], y in YEAR: EmissionActivityRatio[r,t,e,m,y] <> 0}
        EmissionActivityRatio[r,t,e,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y]
    <= ModelPeriodEmissionLimit[r,e] - ModelPeriodExogenousEmission[r,e];

# ------------------------------------------------------------------------------------------------------------- storage
param ShareOfYear{ls in SEASON, ld in DAYTYPE, lh in DAILYTIMEBRACKET, y in YEAR} :=
    sum{l in TIMESLICE} Conversionls[l,ls] * Conversionld[l,ld] * Conversionlh[l,lh] * YearSplit[l,y];
param FirstSeason := min{ls in SEASON} ls;
param LastSeason := max{ls in SEASON} ls;
param FirstDayType := min{ld in DAYTYPE} ld;
param LastDayType := max{ld in DAYTYPE} ld;

s.t. Charging{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, lh in DAILYTIMEBRACKET, y in YEAR}:
    RateOfStorageCharge[r,s,ls,ld,lh,y] = sum{(m,t) in MODExTECHNOLOGYperSTORAGEto[s], l in TIMESLICE:
        TechnologyToStorage[r,t,s,m] > 0 and Conversionls[l,ls] * Conversionld[l,ld] * Conversionlh[l,lh] <> 0}
        TechnologyToStorage[r,t,s,m] * Conversionls[l,ls] * Conversionld[l,ld] * Conversionlh[l,lh]
        * RateOfActivity[r,l,t,m,y];
s.t. Discharging{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, lh in DAILYTIMEBRACKET, y in YEAR}:
    RateOfStorageDischarge[r,s,ls,ld,lh,y] = sum{(m,t) in MODExTECHNOLOGYperSTORAGEfrom[s], l in TIMESLICE:
        TechnologyFromStorage[r,t,s,m] > 0 and Conversionls[l,ls] * Conversionld[l,ld] * Conversionlh[l,lh] <> 0}
        TechnologyFromStorage[r,t,s,m] * Conversionls[l,ls] * Conversionld[l,ld] * Conversionlh[l,lh]
        * RateOfActivity[r,l,t,m,y];
s.t. LevelYearStart{r in REGION, s in STORAGE, y in YEAR}: StorageLevelYearStart[r,s,y]
    = if y = FirstYear then StorageLevelStart[r,s]
      else StorageLevelYearFinish[r,s,max{yy in YEAR: yy < y} yy];
s.t. LevelYearFinish{r in REGION, s in STORAGE, y in YEAR}: StorageLevelYearFinish[r,s,y] = StorageLevelYearStart[r,s,y]
    + sum{ls in SEASON, ld in DAYTYPE, lh in DAILYTIMEBRACKET}
        (RateOfStorageCharge[r,s,ls,ld,lh,y] - RateOfStorageDischarge[r,s,ls,ld,lh,y]) * ShareOfYear[ls,ld,lh,y];
s.t. LevelSeasonStart{r in REGION, s in STORAGE, ls in SEASON, y in YEAR}: StorageLevelSeasonStart[r,s,ls,y]
    = if ls = FirstSeason then StorageLevelYearStart[r,s,y]
      else sum{before in SEASON: before = max{k in SEASON: k < ls} k} (StorageLevelSeasonStart[r,s,before,y]
        + sum{ld in DAYTYPE, lh in DAILYTIMEBRACKET} ShareOfYear[before,ld,lh,y]
            * (RateOfStorageCharge[r,s,before,ld,lh,y] - RateOfStorageDischarge[r,s,before,ld,lh,y]));
s.t. LevelDayTypeStart{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, y in YEAR}:
    StorageLevelDayTypeStart[r,s,ls,ld,y]
    = if ld = FirstDayType then StorageLevelSeasonStart[r,s,ls,y]
      else sum{before in DAYTYPE: before = max{k in DAYTYPE: k < ld} k} (StorageLevelDayTypeStart[r,s,ls,before,y]
        + sum{lh in DAILYTIMEBRACKET} DaySplit[lh,y] * DaysInDayType[ls,before,y]
            * (RateOfStorageCharge[r,s,ls,before,lh,y] - RateOfStorageDischarge[r,s,ls,before,lh,y]));
s.t. LevelDayTypeFinish{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, y in YEAR}:
    StorageLevelDayTypeFinish[r,s,ls,ld,y]
    = if ld = LastDayType and ls = LastSeason then StorageLevelYearFinish[r,s,y]
      else if ld = LastDayType then StorageLevelSeasonStart[r,s,min{k in SEASON: k > ls} k,y]
      else sum{after in DAYTYPE: after = min{k in DAYTYPE: k > ld} k} (StorageLevelDayTypeFinish[r,s,ls,after,y]
        - sum{lh in DAILYTIMEBRACKET} DaySplit[lh,y] * DaysInDayType[ls,after,y]
            * (RateOfStorageCharge[r,s,ls,after,lh,y] - RateOfStorageDischarge[r,s,ls,after,lh,y]));

# The level stays between its limits in the first week of a season (from the start of the day type, forwards; from the
# start of the next day type, backwards) and in its last week (from the finish of the day type, backwards; from the
# finish of the day type before, forwards).
set MOMENTS dimen 6 := {REGION, STORAGE, SEASON, DAYTYPE, DAILYTIMEBRACKET, YEAR};
s.t. FirstWeekForwardsLower{(r,s,ls,ld,lh,y) in MOMENTS}:
    StorageLevelDayTypeStart[r,s,ls,ld,y] + sum{k in DAILYTIMEBRACKET: k < lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    >= MinStorageCharge[r,s,y] * StorageUpperLimit[r,s,y];
s.t. FirstWeekForwardsUpper{(r,s,ls,ld,lh,y) in MOMENTS}:
    StorageLevelDayTypeStart[r,s,ls,ld,y] + sum{k in DAILYTIMEBRACKET: k < lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    <= StorageUpperLimit[r,s,y];
s.t. FirstWeekBackwardsLower{(r,s,ls,ld,lh,y) in MOMENTS: ld > FirstDayType}:
    StorageLevelDayTypeStart[r,s,ls,ld,y] - sum{d in DAYTYPE, k in DAILYTIMEBRACKET:
        d = max{dd in DAYTYPE: dd < ld} dd and k > lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,d,k,y] - RateOfStorageDischarge[r,s,ls,d,k,y])
    >= MinStorageCharge[r,s,y] * StorageUpperLimit[r,s,y];
s.t. FirstWeekBackwardsUpper{(r,s,ls,ld,lh,y) in MOMENTS: ld > FirstDayType}:
    StorageLevelDayTypeStart[r,s,ls,ld,y] - sum{d in DAYTYPE, k in DAILYTIMEBRACKET:
        d = max{dd in DAYTYPE: dd < ld} dd and k > lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,d,k,y] - RateOfStorageDischarge[r,s,ls,d,k,y])
    <= StorageUpperLimit[r,s,y];
s.t. LastWeekBackwardsLower{(r,s,ls,ld,lh,y) in MOMENTS}:
    StorageLevelDayTypeFinish[r,s,ls,ld,y] - sum{k in DAILYTIMEBRACKET: k > lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    >= MinStorageCharge[r,s,y] * StorageUpperLimit[r,s,y];
s.t. LastWeekBackwardsUpper{(r,s,ls,ld,lh,y) in MOMENTS}:
    StorageLevelDayTypeFinish[r,s,ls,ld,y] - sum{k in DAILYTIMEBRACKET: k > lh} DaySplit[k,y]
        * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    <= StorageUpperLimit[r,s,y];
s.t. LastWeekForwardsLower{(r,s,ls,ld,lh,y) in MOMENTS: ld > FirstDayType}:
    StorageLevelDayTypeFinish[r,s,ls,max{dd in DAYTYPE: dd < ld} dd,y]
    + sum{k in DAILYTIMEBRACKET: k < lh} DaySplit[k,y] * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    >= MinStorageCharge[r,s,y] * StorageUpperLimit[r,s,y];
s.t. LastWeekForwardsUpper{(r,s,ls,ld,lh,y) in MOMENTS: ld > FirstDayType}:
    StorageLevelDayTypeFinish[r,s,ls,max{dd in DAYTYPE: dd < ld} dd,y]
    + sum{k in DAILYTIMEBRACKET: k < lh} DaySplit[k,y] * (RateOfStorageCharge[r,s,ls,ld,k,y] - RateOfStorageDischarge[r,s,ls,ld,k,y])
    <= StorageUpperLimit[r,s,y];
s.t. MaximumCharge{(r,s,ls,ld,lh,y) in MOMENTS}: RateOfStorageCharge[r,s,ls,ld,lh,y] <= StorageMaxChargeRate[r,s];
s.t. MaximumDischarge{(r,s,ls,ld,lh,y) in MOMENTS}:
    RateOfStorageDischarge[r,s,ls,ld,lh,y] <= StorageMaxDischargeRate[r,s];
s.t. StorageCapacity{r in REGION, s in STORAGE, y in YEAR}: StorageUpperLimit[r,s,y] = ResidualStorageCapacity[r,s,y]
    + sum{yy in YEAR: y - yy >= 0 and y - yy < OperationalLifeStorage[r,s]} NewStorageCapacity[r,s,yy];

solve;

# ------------------------------------------------------------------------------------------------ what follows from it
param AccumulatedNewCapacity{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    TotalCapacityAnnual[r,t,y] - ResidualCapacity[r,t,y];
param TotalTechnologyAnnualActivity{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    sum{m in MODEperTECHNOLOGY[t]} TotalAnnualTechnologyActivityByMode[r,t,m,y];
param TotalTechnologyModelPeriodActivity{r in REGION, t in TECHNOLOGY} :=
    sum{y in YEAR} TotalTechnologyAnnualActivity[r,t,y];
param Demand{r in REGION, l in TIMESLICE, f in FUEL, y in YEAR} :=
    if SpecifiedAnnualDemand[r,f,y] <> 0 then SpecifiedAnnualDemand[r,f,y] * SpecifiedDemandProfile[r,f,l,y];
param RateOfProductionByTechnology{r in REGION, l in TIMESLICE, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    sum{m in MODEperTECHNOLOGY[t]: OutputActivityRatio[r,t,f,m,y] <> 0}
        OutputActivityRatio[r,t,f,m,y] * RateOfActivity[r,l,t,m,y];
param RateOfUseByTechnology{r in REGION, l in TIMESLICE, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    sum{m in MODEperTECHNOLOGY[t]: InputActivityRatio[r,t,f,m,y] <> 0}
        InputActivityRatio[r,t,f,m,y] * RateOfActivity[r,l,t,m,y];
param ProductionByTechnology{r in REGION, l in TIMESLICE, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    RateOfProductionByTechnology[r,l,t,f,y] * YearSplit[l,y];
param UseByTechnology{r in REGION, l in TIMESLICE, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    RateOfUseByTechnology[r,l,t,f,y] * YearSplit[l,y];
param ProductionByTechnologyAnnual{r in REGION, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    sum{l in TIMESLICE} ProductionByTechnology[r,l,t,f,y];
param UseByTechnologyAnnual{r in REGION, t in TECHNOLOGY, f in FUEL, y in YEAR} :=
    sum{l in TIMESLICE} UseByTechnology[r,l,t,f,y];

param AnnualTechnologyEmissionByMode{r in REGION, t in TECHNOLOGY, e in EMISSION, m in MODE_OF_OPERATION, y in YEAR} :=
    EmissionActivityRatio[r,t,e,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y];
param AnnualTechnologyEmission{r in REGION, t in TECHNOLOGY, e in EMISSION, y in YEAR} :=
    sum{(m,t) in MODExTECHNOLOGYperEMISSION[e]: m in MODEperTECHNOLOGY[t]} AnnualTechnologyEmissionByMode[r,t,e,m,y];
param AnnualEmissions{r in REGION, e in EMISSION, y in YEAR} :=
    sum{(t,e) in EMITS} AnnualTechnologyEmission[r,t,e,y];
param ModelPeriodEmissions{r in REGION, e in EMISSION} :=
    sum{y in YEAR} AnnualEmissions[r,e,y] + ModelPeriodExogenousEmission[r,e];
param AnnualTechnologyEmissionsPenalty{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    sum{(t,e) in EMITS: EmissionsPenalty[r,e,y] <> 0} EmissionsPenalty[r,e,y] * AnnualTechnologyEmission[r,t,e,y];
param DiscountedTechnologyEmissionsPenalty{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    AnnualTechnologyEmissionsPenalty[r,t,y] / DiscountFactorMid[r,y];

param CapitalInvestment{r in REGION, t in TECHNOLOGY, y in YEAR} := InvestmentCost[r,t,y] * NewCapacity[r,t,y];
param DiscountedCapitalInvestment{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    CapitalInvestment[r,t,y] / DiscountFactor[r,y];
param SalvageValue{r in REGION, t in TECHNOLOGY, y in YEAR} := CapitalInvestment[r,t,y] * SalvageShare[r,t,y];
param DiscountedSalvageValue{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    SalvageValue[r,t,y] / (1 + DiscountRate[r]) ^ Horizon;
param AnnualFixedOperatingCost{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    FixedCost[r,t,y] * TotalCapacityAnnual[r,t,y];
param AnnualVariableOperatingCost{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    sum{m in MODEperTECHNOLOGY[t]} VariableCost[r,t,m,y] * TotalAnnualTechnologyActivityByMode[r,t,m,y];
param OperatingCost{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    AnnualFixedOperatingCost[r,t,y] + AnnualVariableOperatingCost[r,t,y];
param DiscountedOperatingCost{r in REGION, t in TECHNOLOGY, y in YEAR} := OperatingCost[r,t,y] / DiscountFactorMid[r,y];
param CapitalInvestmentStorage{r in REGION, s in STORAGE, y in YEAR} :=
    CapitalCostStorage[r,s,y] * NewStorageCapacity[r,s,y];
param SalvageValueStorage{r in REGION, s in STORAGE, y in YEAR} :=
    CapitalInvestmentStorage[r,s,y] * SalvageShareStorage[r,s,y];
param TotalDiscountedStorageCost{r in REGION, s in STORAGE, y in YEAR} :=
    CapitalInvestmentStorage[r,s,y] / (1 + RateStorage[r,s]) ^ (y - FirstYear)
    - SalvageValueStorage[r,s,y] / (1 + RateStorage[r,s]) ^ Horizon;
param TotalDiscountedCostByTechnology{r in REGION, t in TECHNOLOGY, y in YEAR} :=
    DiscountedOperatingCost[r,t,y] + DiscountedCapitalInvestment[r,t,y]
    + DiscountedTechnologyEmissionsPenalty[r,t,y] - DiscountedSalvageValue[r,t,y];
param TotalDiscountedCost{r in REGION, y in YEAR} :=
    sum{t in TECHNOLOGY} TotalDiscountedCostByTechnology[r,t,y] + sum{s in STORAGE} TotalDiscountedStorageCost[r,s,y];
param ModelPeriodCostByRegion{r in REGION} := sum{y in YEAR} TotalDiscountedCost[r,y];

# ------------------------------------------------------------------------------------------------------------- results
# One CSV a variable. Tables by time slice leave zero rows out; all others have a row for every index, zeros included.
table AccumulatedNewCapacityTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/AccumulatedNewCapacity.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, AccumulatedNewCapacity[r,t,y]~VALUE;
table AnnualEmissionsTable{r in REGION, e in EMISSION, y in YEAR}
    OUT "CSV" ResultsPath & "/AnnualEmissions.csv":
    r~REGION, e~EMISSION, y~YEAR, AnnualEmissions[r,e,y]~VALUE;
table AnnualFixedOperatingCostTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/AnnualFixedOperatingCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, AnnualFixedOperatingCost[r,t,y]~VALUE;
table AnnualTechnologyEmissionTable{r in REGION, (t,e) in EMITS, y in YEAR}
    OUT "CSV" ResultsPath & "/AnnualTechnologyEmission.csv":
    r~REGION, t~TECHNOLOGY, e~EMISSION, y~YEAR, AnnualTechnologyEmission[r,t,e,y]~VALUE;
table AnnualTechnologyEmissionByModeTable{r in REGION, e in EMISSION, (m,t) in MODExTECHNOLOGYperEMISSION[e], y in YEAR:
    m in MODEperTECHNOLOGY[t]}
    OUT "CSV" ResultsPath & "/AnnualTechnologyEmissionByMode.csv":
    r~REGION, t~TECHNOLOGY, e~EMISSION, m~MODE_OF_OPERATION, y~YEAR, AnnualTechnologyEmissionByMode[r,t,e,m,y]~VALUE;
table AnnualTechnologyEmissionsPenaltyTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/AnnualTechnologyEmissionsPenalty.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, AnnualTechnologyEmissionsPenalty[r,t,y]~VALUE;
table AnnualVariableOperatingCostTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/AnnualVariableOperatingCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, AnnualVariableOperatingCost[r,t,y]~VALUE;
table CapitalInvestmentTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/CapitalInvestment.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, CapitalInvestment[r,t,y]~VALUE;
table CapitalInvestmentStorageTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/CapitalInvestmentStorage.csv":
    r~REGION, s~STORAGE, y~YEAR, CapitalInvestmentStorage[r,s,y]~VALUE;
table DemandTable{r in REGION, l in TIMESLICE, f in FUEL, y in YEAR: Demand[r,l,f,y] <> 0}
    OUT "CSV" ResultsPath & "/Demand.csv":
    r~REGION, l~TIMESLICE, f~FUEL, y~YEAR, Demand[r,l,f,y]~VALUE;
table DiscountedCapitalInvestmentTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/DiscountedCapitalInvestment.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, DiscountedCapitalInvestment[r,t,y]~VALUE;
table DiscountedOperatingCostTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/DiscountedOperatingCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, DiscountedOperatingCost[r,t,y]~VALUE;
table DiscountedSalvageValueTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/DiscountedSalvageValue.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, DiscountedSalvageValue[r,t,y]~VALUE;
table DiscountedTechnologyEmissionsPenaltyTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/DiscountedTechnologyEmissionsPenalty.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, DiscountedTechnologyEmissionsPenalty[r,t,y]~VALUE;
table ModelPeriodCostByRegionTable{r in REGION}
    OUT "CSV" ResultsPath & "/ModelPeriodCostByRegion.csv":
    r~REGION, ModelPeriodCostByRegion[r]~VALUE;
table ModelPeriodEmissionsTable{r in REGION, e in EMISSION}
    OUT "CSV" ResultsPath & "/ModelPeriodEmissions.csv":
    r~REGION, e~EMISSION, ModelPeriodEmissions[r,e]~VALUE;
table NewCapacityTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/NewCapacity.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, NewCapacity[r,t,y]~VALUE;
table NewStorageCapacityTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/NewStorageCapacity.csv":
    r~REGION, s~STORAGE, y~YEAR, NewStorageCapacity[r,s,y]~VALUE;
table NumberOfNewTechnologyUnitsTable{r in REGION, t in TECHNOLOGY, y in YEAR: CapacityOfOneTechnologyUnit[r,t,y] <> 0}
    OUT "CSV" ResultsPath & "/NumberOfNewTechnologyUnits.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, NumberOfNewTechnologyUnits[r,t,y]~VALUE;
table OperatingCostTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/OperatingCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, OperatingCost[r,t,y]~VALUE;
table ProductionByTechnologyTable{r in REGION, l in TIMESLICE, (t,f) in PRODUCES, y in YEAR:
    ProductionByTechnology[r,l,t,f,y] <> 0}
    OUT "CSV" ResultsPath & "/ProductionByTechnology.csv":
    r~REGION, l~TIMESLICE, t~TECHNOLOGY, f~FUEL, y~YEAR, ProductionByTechnology[r,l,t,f,y]~VALUE;
table ProductionByTechnologyAnnualTable{r in REGION, (t,f) in PRODUCES, y in YEAR}
    OUT "CSV" ResultsPath & "/ProductionByTechnologyAnnual.csv":
    r~REGION, t~TECHNOLOGY, f~FUEL, y~YEAR, ProductionByTechnologyAnnual[r,t,f,y]~VALUE;
table RateOfActivityTable{r in REGION, l in TIMESLICE, t in TECHNOLOGY, m in MODEperTECHNOLOGY[t], y in YEAR:
    RateOfActivity[r,l,t,m,y] <> 0}
    OUT "CSV" ResultsPath & "/RateOfActivity.csv":
    r~REGION, l~TIMESLICE, t~TECHNOLOGY, m~MODE_OF_OPERATION, y~YEAR, RateOfActivity[r,l,t,m,y]~VALUE;
table RateOfProductionByTechnologyTable{r in REGION, l in TIMESLICE, (t,f) in PRODUCES, y in YEAR:
    RateOfProductionByTechnology[r,l,t,f,y] <> 0}
    OUT "CSV" ResultsPath & "/RateOfProductionByTechnology.csv":
    r~REGION, l~TIMESLICE, t~TECHNOLOGY, f~FUEL, y~YEAR, RateOfProductionByTechnology[r,l,t,f,y]~VALUE;
table RateOfUseByTechnologyTable{r in REGION, l in TIMESLICE, (t,f) in USES, y in YEAR:
    RateOfUseByTechnology[r,l,t,f,y] <> 0}
    OUT "CSV" ResultsPath & "/RateOfUseByTechnology.csv":
    r~REGION, l~TIMESLICE, t~TECHNOLOGY, f~FUEL, y~YEAR, RateOfUseByTechnology[r,l,t,f,y]~VALUE;
table SalvageValueTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/SalvageValue.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, SalvageValue[r,t,y]~VALUE;
table SalvageValueStorageTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/SalvageValueStorage.csv":
    r~REGION, s~STORAGE, y~YEAR, SalvageValueStorage[r,s,y]~VALUE;
table StorageLevelDayTypeFinishTable{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, y in YEAR}
    OUT "CSV" ResultsPath & "/StorageLevelDayTypeFinish.csv":
    r~REGION, s~STORAGE, ls~SEASON, ld~DAYTYPE, y~YEAR, StorageLevelDayTypeFinish[r,s,ls,ld,y]~VALUE;
table StorageLevelDayTypeStartTable{r in REGION, s in STORAGE, ls in SEASON, ld in DAYTYPE, y in YEAR}
    OUT "CSV" ResultsPath & "/StorageLevelDayTypeStart.csv":
    r~REGION, s~STORAGE, ls~SEASON, ld~DAYTYPE, y~YEAR, StorageLevelDayTypeStart[r,s,ls,ld,y]~VALUE;
table StorageLevelSeasonStartTable{r in REGION, s in STORAGE, ls in SEASON, y in YEAR}
    OUT "CSV" ResultsPath & "/StorageLevelSeasonStart.csv":
    r~REGION, s~STORAGE, ls~SEASON, y~YEAR, StorageLevelSeasonStart[r,s,ls,y]~VALUE;
table StorageLevelYearFinishTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/StorageLevelYearFinish.csv":
    r~REGION, s~STORAGE, y~YEAR, StorageLevelYearFinish[r,s,y]~VALUE;
table StorageLevelYearStartTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/StorageLevelYearStart.csv":
    r~REGION, s~STORAGE, y~YEAR, StorageLevelYearStart[r,s,y]~VALUE;
table TotalAnnualTechnologyActivityByModeTable{r in REGION, t in TECHNOLOGY, m in MODEperTECHNOLOGY[t], y in YEAR}
    OUT "CSV" ResultsPath & "/TotalAnnualTechnologyActivityByMode.csv":
    r~REGION, t~TECHNOLOGY, m~MODE_OF_OPERATION, y~YEAR, TotalAnnualTechnologyActivityByMode[r,t,m,y]~VALUE;
table TotalCapacityAnnualTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/TotalCapacityAnnual.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, TotalCapacityAnnual[r,t,y]~VALUE;
table TotalDiscountedCostTable{r in REGION, y in YEAR}
    OUT "CSV" ResultsPath & "/TotalDiscountedCost.csv":
    r~REGION, y~YEAR, TotalDiscountedCost[r,y]~VALUE;
table TotalDiscountedCostByTechnologyTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/TotalDiscountedCostByTechnology.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, TotalDiscountedCostByTechnology[r,t,y]~VALUE;
table TotalDiscountedStorageCostTable{r in REGION, s in STORAGE, y in YEAR}
    OUT "CSV" ResultsPath & "/TotalDiscountedStorageCost.csv":
    r~REGION, s~STORAGE, y~YEAR, TotalDiscountedStorageCost[r,s,y]~VALUE;
table TotalTechnologyAnnualActivityTable{r in REGION, t in TECHNOLOGY, y in YEAR}
    OUT "CSV" ResultsPath & "/TotalTechnologyAnnualActivity.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, TotalTechnologyAnnualActivity[r,t,y]~VALUE;
table TotalTechnologyModelPeriodActivityTable{r in REGION, t in TECHNOLOGY}
    OUT "CSV" ResultsPath & "/TotalTechnologyModelPeriodActivity.csv":
    r~REGION, t~TECHNOLOGY, TotalTechnologyModelPeriodActivity[r,t]~VALUE;
table TradeTable{(r,rr,f,y) in LINKS, l in TIMESLICE: Trade[r,rr,l,f,y] <> 0}
    OUT "CSV" ResultsPath & "/Trade.csv":
    r~REGION, rr~_REGION, l~TIMESLICE, f~FUEL, y~YEAR, Trade[r,rr,l,f,y]~VALUE;
table UseByTechnologyTable{r in REGION, l in TIMESLICE, (t,f) in USES, y in YEAR:
    UseByTechnology[r,l,t,f,y] <> 0}
    OUT "CSV" ResultsPath & "/UseByTechnology.csv":
    r~REGION, l~TIMESLICE, t~TECHNOLOGY, f~FUEL, y~YEAR, UseByTechnology[r,l,t,f,y]~VALUE;
table UseByTechnologyAnnualTable{r in REGION, (t,f) in USES, y in YEAR}
    OUT "CSV" ResultsPath & "/UseByTechnologyAnnual.csv":
    r~REGION, t~TECHNOLOGY, f~FUEL, y~YEAR, UseByTechnologyAnnual[r,t,f,y]~VALUE;

# ------------------------------------------------------------------------------------------- what it was solved with
# Complete where the index sets are small, without zeros elsewhere; DiscountRateIdv is the rate that counts.
table CapacityToActivityUnitTable{r in REGION, t in TECHNOLOGY}
    OUT "CSV" "parameters/CapacityToActivityUnit.csv":
    r~REGION, t~TECHNOLOGY, CapacityToActivityUnit[r,t]~VALUE;
table DiscountRateTable{r in REGION}
    OUT "CSV" "parameters/DiscountRate.csv":
    r~REGION, DiscountRate[r]~VALUE;
table DiscountRateIdvTable{r in REGION, t in TECHNOLOGY}
    OUT "CSV" "parameters/DiscountRateIdv.csv":
    r~REGION, t~TECHNOLOGY, RateIdv[r,t]~VALUE;
table OperationalLifeTable{r in REGION, t in TECHNOLOGY}
    OUT "CSV" "parameters/OperationalLife.csv":
    r~REGION, t~TECHNOLOGY, OperationalLife[r,t]~VALUE;
table AccumulatedAnnualDemandTable{r in REGION, f in FUEL, y in YEAR: AccumulatedAnnualDemand[r,f,y] <> 0}
    OUT "CSV" "parameters/AccumulatedAnnualDemand.csv":
    r~REGION, f~FUEL, y~YEAR, AccumulatedAnnualDemand[r,f,y]~VALUE;
table CapitalCostTable{r in REGION, t in TECHNOLOGY, y in YEAR: CapitalCost[r,t,y] <> 0}
    OUT "CSV" "parameters/CapitalCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, CapitalCost[r,t,y]~VALUE;
table EmissionsPenaltyTable{r in REGION, e in EMISSION, y in YEAR: EmissionsPenalty[r,e,y] <> 0}
    OUT "CSV" "parameters/EmissionsPenalty.csv":
    r~REGION, e~EMISSION, y~YEAR, EmissionsPenalty[r,e,y]~VALUE;
table FixedCostTable{r in REGION, t in TECHNOLOGY, y in YEAR: FixedCost[r,t,y] <> 0}
    OUT "CSV" "parameters/FixedCost.csv":
    r~REGION, t~TECHNOLOGY, y~YEAR, FixedCost[r,t,y]~VALUE;
table SpecifiedAnnualDemandTable{r in REGION, f in FUEL, y in YEAR: SpecifiedAnnualDemand[r,f,y] <> 0}
    OUT "CSV" "parameters/SpecifiedAnnualDemand.csv":
    r~REGION, f~FUEL, y~YEAR, SpecifiedAnnualDemand[r,f,y]~VALUE;
table VariableCostTable{r in REGION, t in TECHNOLOGY, m in MODE_OF_OPERATION, y in YEAR: VariableCost[r,t,m,y] <> 0}
    OUT "CSV" "parameters/VariableCost.csv":
    r~REGION, t~TECHNOLOGY, m~MODE_OF_OPERATION, y~YEAR, VariableCost[r,t,m,y]~VALUE;
table REGIONTable{i in REGION} OUT "CSV" "parameters/REGION.csv": i~VALUE;
table TECHNOLOGYTable{i in TECHNOLOGY} OUT "CSV" "parameters/TECHNOLOGY.csv": i~VALUE;
table FUELTable{i in FUEL} OUT "CSV" "parameters/FUEL.csv": i~VALUE;
table EMISSIONTable{i in EMISSION} OUT "CSV" "parameters/EMISSION.csv": i~VALUE;
table STORAGETable{i in STORAGE} OUT "CSV" "parameters/STORAGE.csv": i~VALUE;
table TIMESLICETable{i in TIMESLICE} OUT "CSV" "parameters/TIMESLICE.csv": i~VALUE;
table MODE_OF_OPERATIONTable{i in MODE_OF_OPERATION} OUT "CSV" "parameters/MODE_OF_OPERATION.csv": i~VALUE;
table YEARTable{i in YEAR} OUT "CSV" "parameters/YEAR.csv": i~VALUE;

end;
