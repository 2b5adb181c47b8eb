namespace CertAuthority.Protocol;

/// <summary>The states of a request, as messages have them; lists are narrowed by the same words in lower case.</summary>
public static class RequestStates
{
    /// <summary>It waits for an answer.</summary>
    public const string Pending = "PENDING";

    /// <summary>It was granted, and its access has not ended.</summary>
    public const string Approved = "APPROVED";

    /// <summary>It was refused, or taken back after it had been granted.</summary>
    public const string Denied = "DENIED";

    /// <summary>The requester withdrew it before an answer.</summary>
    public const string Cancelled = "CANCELLED";

    /// <summary>It had no answer in time, or its access has ended.</summary>
    public const string Expired = "EXPIRED";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Pending, Approved, Denied, Cancelled, Expired];
}

/// <summary>The states of a certificate by which lists are narrowed.</summary>
public static class CertificateStates
{
    /// <summary>It is valid now.</summary>
    public const string Live = "live";

    /// <summary>Its time is over.</summary>
    public const string Expired = "expired";

    /// <summary>It was revoked.</summary>
    public const string Revoked = "revoked";
}

/// <summary>What a review says.</summary>
public static class ReviewDecisions
{
    /// <summary>Grant it.</summary>
    public const string Approve = "approve";

    /// <summary>Do not.</summary>
    public const string Deny = "deny";
}

/// <summary>Which requests a user lists.</summary>
public static class RequestViews
{
    /// <summary>Their own; the default.</summary>
    public const string Mine = "mine";

    /// <summary>Those that wait for a review of theirs.</summary>
    public const string Reviewable = "reviewable";

    /// <summary>Those that name them as a reviewer.</summary>
    public const string Suggested = "suggested";
}

/// <summary>By what an administrator's list of requests is sorted.</summary>
public static class RequestSorts
{
    /// <summary>The time of filing, newest first; the default.</summary>
    public const string Created = "created";

    /// <summary>The user.</summary>
    public const string User = "user";

    /// <summary>The state.</summary>
    public const string State = "state";
}

/// <summary>From when the access under a request counts.</summary>
public static class RequestClocks
{
    /// <summary>From the filing.</summary>
    public const string Creation = "creation";

    /// <summary>From the approval.</summary>
    public const string Approval = "approval";
}

/// <summary>What a user's roles say that a login is to ask for by itself.</summary>
public static class RequestAccessModes
{
    /// <summary>A request for every role.</summary>
    public const string Always = "always";

    /// <summary>The same, with a reason.</summary>
    public const string Reason = "reason";
}
