using System.Collections.Immutable;

namespace CertAuthority.Access.Notices;

/// <summary>The events that the daemon sends notices for, by the names used in the configuration, the protocol and the receivers.</summary>
public static class NoticeEvents
{
    /// <summary>A request was filed.</summary>
    public const string Created = "request.created";

    /// <summary>A reviewer voted, and the vote decides nothing yet.</summary>
    public const string Reviewed = "request.reviewed";

    /// <summary>The request was approved, by a reviewer or an administrator.</summary>
    public const string Approved = "request.approved";

    /// <summary>The request was denied, or its approval was withdrawn.</summary>
    public const string Denied = "request.denied";

    /// <summary>The requester withdrew the request, or gave up its access.</summary>
    public const string Cancelled = "request.cancelled";

    /// <summary>The access of a request ends soon.</summary>
    public const string Ending = "access.ending";

    /// <summary>Hosts have not fetched the revocation list for longer than allowed.</summary>
    public const string Stale = "hosts.stale";

    /// <summary>Hosts that were stale have a current revocation list again.</summary>
    public const string Fresh = "hosts.fresh";

    /// <summary>Hosts have the revocation list of another daemon, so this daemon writes nothing there.</summary>
    public const string Contested = "hosts.contested";

    /// <summary>The daemon's disk is running out of space.</summary>
    public const string DiskLow = "disk.low";

    /// <summary>The daemon's disk has enough space again.</summary>
    public const string DiskFine = "disk.fine";

    /// <summary>The events about a request.</summary>
    public static readonly ImmutableArray<string> OfRequests = [Created, Reviewed, Approved, Denied, Cancelled, Ending];

    /// <summary>The events about the site: its hosts, and the daemon itself.</summary>
    public static readonly ImmutableArray<string> OfSite = [Stale, Fresh, Contested, DiskLow, DiskFine];

    /// <summary>All events.</summary>
    public static readonly ImmutableArray<string> All = [.. OfRequests, .. OfSite];
}
