using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>What was taken back.</summary>
/// <param name="Ended">The requests that ended.</param>
/// <param name="Revoked">The serials of the revoked certificates.</param>
internal sealed record Withdrawn(ImmutableArray<Guid> Ended, ImmutableArray<string> Revoked)
{
    /// <summary>The result when nothing was taken back.</summary>
    public static readonly Withdrawn Nothing = new([], []);

    /// <summary>The requests that now end earlier, in their current state.</summary>
    public ImmutableArray<AccessRequest> Shortened { get; init; } = [];

    /// <summary>What is still to be reviewed; null for nothing.</summary>
    public OwedWithdrawal? Owed { get; init; }

    /// <summary>Whether hosts are in other groups than before, so that their files change.</summary>
    public bool AreGroupsOfHosts { get; init; }

    /// <summary>Returns the requests that a change has ended, and what was revoked with them.</summary>
    public static Withdrawn Of(IReadOnlyList<EndedRequest> ended) =>
        new([.. ended.Select(one => one.Request.Id)], [.. ended.SelectMany(one => one.Revoked)]);

    /// <summary>Returns all of them together. What is owed is that of this one.</summary>
    public Withdrawn And(params IReadOnlyCollection<Withdrawn> more) =>
        this with
        {
            Ended = Ended.AddRange(more.SelectMany(one => one.Ended)),
            Revoked = Revoked.AddRange(more.SelectMany(one => one.Revoked)),
            Shortened = Shortened.AddRange(more.SelectMany(one => one.Shortened)),
        };

    /// <summary>Converts the result to the reply for the administrator.</summary>
    /// <param name="resources">What was done with each resource.</param>
    /// <param name="warnings">What deserves a second look.</param>
    public AppliedResources Show(IReadOnlyCollection<AppliedResource> resources, IEnumerable<string> warnings) =>
        new(
            [
                .. resources.Where(one => one.What != AppliedStates.Unchanged)
                    .Select(one => $"{one.Kind} '{one.Name}' has been {one.What}")],
            [.. warnings, .. Shortened.Select(Warning)], [.. Revoked], [.. Ended.Select(id => id.ToString())], [.. resources]);

    private static string Warning(AccessRequest request) => request.StoredState == RequestState.Approved
        ? $"the access of {request.UserName} under request {request.Id} ends earlier, {Instants.Show(request.AccessUntil)}, limited by {request.Terms.LimitedBy}"
        : $"the request {request.Id} of {request.UserName} waits for an answer until {Instants.Show(request.PendingUntil)} only, limited by the site's maximum";
}
