using System.Collections.Immutable;

namespace CertAuthority.Access.Notices;

/// <summary>What others are told of, by the names that the configuration, the protocol and the receivers know.</summary>
public static class NoticeEvents
{
    /// <summary>A request was filed.</summary>
    public const string Created = "request.created";

    /// <summary>A reviewer said something that decides nothing yet.</summary>
    public const string Reviewed = "request.reviewed";

    /// <summary>It was approved, by whomever.</summary>
    public const string Approved = "request.approved";

    /// <summary>It was denied, or its approval taken back.</summary>
    public const string Denied = "request.denied";

    /// <summary>It was withdrawn, or its access given back.</summary>
    public const string Cancelled = "request.cancelled";

    /// <summary>Its access is about to end.</summary>
    public const string Ending = "access.ending";

    /// <summary>Hosts have not taken the revocation list for longer than they may.</summary>
    public const string Stale = "hosts.stale";

    /// <summary>Hosts that were stale have it again.</summary>
    public const string Fresh = "hosts.fresh";

    /// <summary>Another daemon's revocation list is on hosts, so that this one writes nothing there.</summary>
    public const string Contested = "hosts.contested";

    /// <summary>The disk of the daemon fills up.</summary>
    public const string DiskLow = "disk.low";

    /// <summary>It has room again.</summary>
    public const string DiskFine = "disk.fine";

    /// <summary>Those about a request.</summary>
    public static readonly ImmutableArray<string> OfRequests = [Created, Reviewed, Approved, Denied, Cancelled, Ending];

    /// <summary>Those about the site: its hosts, and the daemon itself.</summary>
    public static readonly ImmutableArray<string> OfSite = [Stale, Fresh, Contested, DiskLow, DiskFine];

    /// <summary>All of them.</summary>
    public static readonly ImmutableArray<string> All = [.. OfRequests, .. OfSite];
}
