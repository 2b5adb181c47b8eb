using System.Collections.Immutable;
using CertAuthority.Access.Roles;

namespace CertAuthority.Access.Requests;

/// <summary>How long a request grants access; fixed when it is filed, and only ever shortened by its approval.</summary>
/// <param name="Lasts">How long, by its clock.</param>
/// <param name="LimitedBy">The rule that decided it.</param>
/// <param name="Clock">From when it counts.</param>
/// <param name="SessionTtl">The longest certificate under it, where the requester said so.</param>
/// <param name="AssumeFrom">The first instant at which it can be used; null for at once.</param>
/// <param name="Shortened">Where something is shorter than was asked for: a sentence each, with the rule that did it.</param>
public sealed record AccessTerms(
    TimeSpan Lasts, string LimitedBy, RequestClock Clock, TimeSpan? SessionTtl, DateTimeOffset? AssumeFrom,
    ImmutableArray<string> Shortened);
