namespace CertAuthority.Protocol;

/// <summary>
/// Writes the facts about a request for people. The command lines, mail and chats show the same words. The text contains names and
/// descriptions from people, so whoever shows it escapes it.
/// </summary>
public static class FactsText
{
    // A reader compares a few numbers, not twenty.
    private const int MostLabels = 6;

    /// <summary>Returns the facts by their names, in the order in which people read them. Free text comes last.</summary>
    /// <param name="spec">The request.</param>
    /// <param name="facts">Its facts.</param>
    public static IEnumerable<(string Name, string Value)> Lines(RequestSpec spec, RequestFacts facts)
    {
        yield return ("opens", Opens(facts));
        if (facts.Period is { } period)
            yield return ("for", $"{Lasts(period)}, if approved now; limited by {period.LimitedBy}");
        if (facts.Risks is [_, ..])
            yield return ("risk", Risks(facts));
        yield return ("needs", Needs(spec, facts));
        if (facts.WhyNotYou is { } why)
            yield return ("you cannot approve it", why);
        yield return ("history", History(facts.History));
        foreach (var (role, description) in facts.Descriptions)
            yield return ($"role {role}", description);
    }

    /// <summary><c>root@db1, root@db2 (env=prod)</c>, or why an approval would open nothing.</summary>
    public static string Opens(RequestFacts facts) =>
        facts.OpensNothing is { } nothing ? $"nothing: {nothing}" : string.Join("; ", facts.Opens.Select(Opening));

    /// <summary>The risks, in one line.</summary>
    public static string Risks(RequestFacts facts) => string.Join("; ", facts.Risks.Select(risk => risk.What));

    /// <summary><c>1h, until 2026-11-22T12:41:23Z</c>.</summary>
    public static string Lasts(RequestPeriod period) => $"{Left(period.Until - period.From)}, until {UtcText.Of(period.Until)}";

    /// <summary><c>1 of 2 approvals: bob; dave and erika can</c>.</summary>
    public static string Needs(RequestSpec spec, RequestFacts facts) =>
        string.Join(": ", Given(spec)) + "; " + facts.CanApprove switch
        {
            [] => "nobody can review it, only an administrator can answer",
            var some when facts.MoreCanApprove > 0 => $"{string.Join(", ", some)} and {facts.MoreCanApprove} more can",
            [var only] => $"{only} can",
            [.. var some, var last] => $"{string.Join(", ", some)} and {last} can",
        };

    /// <summary><c>1 of 2 approvals (bob)</c>: what a person who waits wants to know.</summary>
    public static string Needs(RequestSpec spec) => Given(spec) is [var needs, var names] ? $"{needs} ({names})" : Given(spec)[0];

    /// <summary>
    /// <c>1 of 2 approvals; dave or erika can give the next</c>: what a reviewer wants to know whose approval has not decided the request.
    /// </summary>
    public static string Next(RequestSpec spec, RequestFacts facts) =>
        string.Join("; ", spec.Needs ?? []) + "; " + facts.CanApprove switch
        {
            [] => "nobody else can review it, only an administrator can answer",
            var some when facts.MoreCanApprove > 0 => $"{string.Join(", ", some)} or {facts.MoreCanApprove} more can give the next",
            [var only] => $"{only} can give the next",
            [.. var some, var last] => $"{string.Join(", ", some)} or {last} can give the next",
        };

    // The approvals that are needed, and whose there are already.
    private static string[] Given(RequestSpec spec)
    {
        var names = (spec.Reviews ?? []).Where(review => review is { ProposedState: RequestStates.Approved, Counts: true })
            .Select(review => review.Author).ToList();
        return [string.Join("; ", spec.Needs ?? []), .. names is [] ? (string[])[] : [string.Join(", ", names)]];
    }

    private static string Opening(RequestOpening opening)
    {
        var where = opening switch
        {
            { Everywhere: true } => $"{opening.Login} (all hosts)",
            { Hosts: { } hosts } => string.Join(", ", hosts.Select(host => $"{opening.Login}@{host}")) + Shared(opening),
            _ => $"{opening.Login} on {opening.Count} hosts{Counted(opening)}",
        };
        return opening.Conditions is { } conditions ? $"{where}, {conditions}" : where;
    }

    // The labels that all of the hosts have.
    private static string Shared(RequestOpening opening) =>
        opening.Labels.Where(label => label.Value == opening.Count).Select(label => label.Key).Take(MostLabels).ToList() is [_, ..] shared
            ? $" ({string.Join(", ", shared)})"
            : "";

    private static string Counted(RequestOpening opening) =>
        opening.Labels.Take(MostLabels).Select(label => $"{label.Value} {label.Key}").ToList() is [_, ..] counted
            ? $" ({string.Join(", ", counted)})"
            : "";

    private static string History(RequestHistory history) => string.Join(
        "; ",
        new[]
        {
            history.LastGranted is { } granted ? $"last granted for a request of {UtcText.Of(granted)}" : "not granted within a year",
            history.Filed > 0 ? $"{history.Filed} request{(history.Filed == 1 ? "" : "s")} in 90 days, {history.Granted} granted" : null,
            history.Open.Length > 0 ? $"{history.Open.Length} open" : null,
        }.OfType<string>());

    // To the nearest minute; days from two days up.
    private static string Left(TimeSpan left)
    {
        if (left < TimeSpan.FromMinutes(1))
            return $"{(int)left.TotalSeconds}s";
        var (hours, minutes) = Math.DivRem((int)Math.Round(left.TotalMinutes), 60);
        var (days, rest) = hours < 48 ? (0, hours) : Math.DivRem(hours, 24);
        return $"{(days > 0 ? $"{days}d" : "")}{(rest > 0 ? $"{rest}h" : "")}{(minutes > 0 ? $"{minutes}m" : "")}";
    }
}
