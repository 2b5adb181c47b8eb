namespace CertAuthority.Protocol;

/// <summary>The states of a request, as messages contain them; list filters use the same words in lower case.</summary>
public static class RequestStates
{
    /// <summary>The request waits for an answer.</summary>
    public const string Pending = "PENDING";

    /// <summary>The request was approved, and its access has not ended.</summary>
    public const string Approved = "APPROVED";

    /// <summary>The request was denied, or its approval was withdrawn.</summary>
    public const string Denied = "DENIED";

    /// <summary>The requester withdrew the request before an answer.</summary>
    public const string Cancelled = "CANCELLED";

    /// <summary>Nobody answered the request in time, or its access has ended.</summary>
    public const string Expired = "EXPIRED";

    /// <summary>All states.</summary>
    public static IReadOnlyList<string> All { get; } = [Pending, Approved, Denied, Cancelled, Expired];
}

/// <summary>The states of a certificate, for list filters.</summary>
public static class CertificateStates
{
    /// <summary>The certificate is valid now.</summary>
    public const string Live = "live";

    /// <summary>The certificate has expired.</summary>
    public const string Expired = "expired";

    /// <summary>The certificate was revoked.</summary>
    public const string Revoked = "revoked";
}

/// <summary>The decision of a review.</summary>
public static class ReviewDecisions
{
    /// <summary>Grant the request.</summary>
    public const string Approve = "approve";

    /// <summary>Deny the request.</summary>
    public const string Deny = "deny";
}

/// <summary>Selects the requests in a user's list.</summary>
public static class RequestViews
{
    /// <summary>The user's own requests; the default.</summary>
    public const string Mine = "mine";

    /// <summary>The requests that wait for this user's review.</summary>
    public const string Reviewable = "reviewable";

    /// <summary>The requests that this user has reviewed.</summary>
    public const string Reviewed = "reviewed";

    /// <summary>The requests that name this user as a reviewer.</summary>
    public const string Suggested = "suggested";
}

/// <summary>The sort order of an administrator's list of requests.</summary>
public static class RequestSorts
{
    /// <summary>By the time of filing, newest first; the default.</summary>
    public const string Created = "created";

    /// <summary>By user.</summary>
    public const string User = "user";

    /// <summary>By state.</summary>
    public const string State = "state";
}

/// <summary>The instant from which the duration of a request's access is counted.</summary>
public static class RequestClocks
{
    /// <summary>From the filing.</summary>
    public const string Creation = "creation";

    /// <summary>From the approval.</summary>
    public const string Approval = "approval";
}

/// <summary>Whether a plain login files a request by itself, as the user's roles say.</summary>
public static class RequestAccessModes
{
    /// <summary>The login files a request for every role.</summary>
    public const string Always = "always";

    /// <summary>The login files a request for every role, with a reason.</summary>
    public const string Reason = "reason";
}

/// <summary>Why a request deserves a second look.</summary>
public static class RiskKinds
{
    /// <summary>It opens root.</summary>
    public const string Root = "root";

    /// <summary>It opens a login on every host that trusts the CA.</summary>
    public const string AllHosts = "all_hosts";

    /// <summary>It opens a login that administers the daemon's own host.</summary>
    public const string DaemonHost = "daemon_host";

    /// <summary>Its sessions may forward ports, an agent or X11.</summary>
    public const string Forwarding = "forwarding";

    /// <summary>Its sessions run one command only, so this alone is no reason to hesitate.</summary>
    public const string ForcedCommand = "forced_command";

    /// <summary>The requester was not granted one of the roles before.</summary>
    public const string FirstTime = "first_time";
}
