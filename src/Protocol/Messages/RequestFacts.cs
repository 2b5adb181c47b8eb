namespace CertAuthority.Protocol;

/// <summary>
/// What people need to know about a pending request before they decide it. The policy computes it at each call, as it would decide then.
/// </summary>
public sealed record RequestFacts
{
    /// <summary>The logins that an approval would open in addition to those that the requester has already.</summary>
    public required RequestOpening[] Opens { get; init; }

    /// <summary>Why an approval would open nothing; null if it opens something.</summary>
    public string? OpensNothing { get; init; }

    /// <summary>When the access would begin and end if the request were approved now; null if it cannot be approved.</summary>
    public RequestPeriod? Period { get; init; }

    /// <summary>What a reviewer should look at twice.</summary>
    public required RequestRisk[] Risks { get; init; }

    /// <summary>The users who can still approve it, sorted; at most ten.</summary>
    public required string[] CanApprove { get; init; }

    /// <summary>How many more users can approve it.</summary>
    public required int MoreCanApprove { get; init; }

    /// <summary>Why the caller cannot approve it; null if they can, and in notices.</summary>
    public string? WhyNotYou { get; init; }

    /// <summary>The earlier requests of the requester for the same roles.</summary>
    public required RequestHistory History { get; init; }

    /// <summary>The descriptions of the requested roles, by name; roles without one are left out.</summary>
    public required Dictionary<string, string> Descriptions { get; init; }
}

/// <summary>A login that an approval would open, on one set of hosts.</summary>
/// <param name="Login">The login.</param>
/// <param name="Everywhere">Whether it would be valid on every host that trusts the CA.</param>
/// <param name="Count">The number of hosts; 0 if it would be valid everywhere.</param>
/// <param name="Labels">How many of these hosts have each label, <c>env=prod</c>: the twenty most frequent ones.</param>
/// <param name="Hosts">The names of the hosts, sorted; null if there are more than four and the call does not ask for all of them.</param>
/// <param name="Conditions">The conditions of each session, <c>runs only /usr/bin/restore</c>; null for none.</param>
public sealed record RequestOpening(
    string Login, bool Everywhere, int Count, Dictionary<string, int> Labels, string[]? Hosts = null, string? Conditions = null);

/// <summary>When an access begins and ends.</summary>
/// <param name="From">The first instant at which it can be used.</param>
/// <param name="Until">The first instant at which it grants nothing more.</param>
/// <param name="LimitedBy">The rule that limits it.</param>
public sealed record RequestPeriod(DateTimeOffset From, DateTimeOffset Until, string LimitedBy);

/// <summary>A risk of an approval.</summary>
/// <param name="Kind">One of <see cref="RiskKinds"/>.</param>
/// <param name="What">The risk in words.</param>
public sealed record RequestRisk(string Kind, string What);

/// <summary>The earlier requests of a user for the roles of a request, within a year. It looks at most at 100 for each role.</summary>
/// <param name="Filed">How many were filed within 90 days.</param>
/// <param name="Granted">How many of these were approved.</param>
/// <param name="Open">The IDs of those that are pending or in use, newest first.</param>
/// <param name="LastGranted">When the last one that was approved was filed; null if there is none.</param>
public sealed record RequestHistory(int Filed, int Granted, string[] Open, DateTimeOffset? LastGranted = null);
