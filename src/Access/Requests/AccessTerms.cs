using System.Collections.Immutable;
using CertAuthority.Access.Roles;

namespace CertAuthority.Access.Requests;

/// <summary>How long a request grants access; fixed at filing, and the approval can only shorten it.</summary>
/// <param name="Lasts">The duration, counted from <paramref name="Clock"/>.</param>
/// <param name="LimitedBy">The rule that sets the duration.</param>
/// <param name="Clock">The instant from which the duration is counted.</param>
/// <param name="SessionTtl">The longest certificate under the request, if the requester set one.</param>
/// <param name="AssumeFrom">The first instant at which it can be used; null for at once.</param>
/// <param name="Shortened">What is shorter than requested: one sentence each, with the rule that shortened it.</param>
public sealed record AccessTerms(
    TimeSpan Lasts, string LimitedBy, RequestClock Clock, TimeSpan? SessionTtl, DateTimeOffset? AssumeFrom,
    ImmutableArray<string> Shortened);
