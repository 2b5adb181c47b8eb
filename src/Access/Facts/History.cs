using System.Collections.Immutable;
using CertAuthority.Access.Requests;

namespace CertAuthority.Access.Facts;

/// <summary>An earlier request of the same user for one of the same roles.</summary>
/// <param name="Id">The ID of the request.</param>
/// <param name="Role">The name of the role.</param>
/// <param name="Created">When it was filed.</param>
/// <param name="State">Its state now.</param>
/// <param name="WasGranted">Whether it was approved, whatever happened to it afterwards.</param>
public sealed record EarlierRequest(Guid Id, string Role, DateTimeOffset Created, RequestState State, bool WasGranted);

/// <summary>The earlier requests of a user for the roles of a request.</summary>
/// <param name="LastGranted">When the last one that was approved was filed; null if there is none.</param>
/// <param name="Filed">How many were filed within <see cref="Recent"/>.</param>
/// <param name="Granted">How many of these were approved.</param>
/// <param name="Open">The IDs of those that are pending or in use, newest first.</param>
public sealed record History(DateTimeOffset? LastGranted, int Filed, int Granted, ImmutableArray<Guid> Open)
{
    /// <summary>How far back earlier requests are looked for.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    /// <summary>How far back they are counted.</summary>
    public static readonly TimeSpan Recent = TimeSpan.FromDays(90);

    /// <summary>How many requests for one role are looked at, newest first. If a user filed more, the numbers are at least these.</summary>
    public const int Most = 100;

    /// <summary>Sums up earlier requests; one that asks for several of the roles counts once.</summary>
    public static History Of(ImmutableArray<EarlierRequest> earlier, DateTimeOffset now)
    {
        var each = earlier.DistinctBy(request => request.Id).OrderByDescending(request => request.Created).ToList();
        var recent = each.FindAll(request => request.Created > now - Recent);
        return new History(
            each.Find(request => request.WasGranted)?.Created, recent.Count, recent.Count(request => request.WasGranted),
            [.. each.Where(request => request.State is RequestState.Pending or RequestState.Approved).Select(request => request.Id)]);
    }
}
