using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using Route = CertAuthority.Protocol.Route;

namespace CertAuthority.Api;

/// <summary>The callers that may use a route.</summary>
internal enum Who
{
    /// <summary>Nobody; the default of a row that does not name its callers.</summary>
    Nobody,

    /// <summary>Root, the daemon's own account, and the administrators that the configuration names.</summary>
    Administrators,

    /// <summary>Administrators, and the auditors that the configuration names: they read what shows who could do what.</summary>
    Auditors,

    /// <summary>Administrators, auditors, and the monitors that the configuration names.</summary>
    Monitors,

    /// <summary>Every account that owns a user, as that user; the operation finds the user in its transaction.</summary>
    Users,

    /// <summary>Every local account.</summary>
    Anybody,
}

/// <summary>One row: a route, its callers, and the operation that it runs.</summary>
internal abstract record Row(Route Route, Who Who)
{
    /// <summary>The largest body, in bytes.</summary>
    public int LargestBody { get; init; } = 64 << 10;

    /// <summary>
    /// Whether the operation can only take access away, so that root may call it even while the system cannot identify people.
    /// </summary>
    public bool TakesAway { get; init; }

    /// <summary>
    /// Whether the operation writes a record of what auditors did, and changes nothing that anybody may do, so that auditors may call it
    /// although it is not a read.
    /// </summary>
    public bool OnlyRecords { get; init; }

    /// <summary>
    /// Whether a daemon that follows another one does it too: everything that needs nothing but the database and the CA keys. What writes
    /// lists, files of hosts or checkpoints, the daemon that leads does alone.
    /// </summary>
    public bool Anywhere { get; init; }

    /// <summary>The content type of the reply.</summary>
    public virtual string ContentType => "application/json";

    /// <summary>Reads the message, runs the operation, and returns the bytes of its reply.</summary>
    public abstract Task<Stream> Run(Authority ca, Caller caller, JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside);
}

/// <summary>Every operation of the daemon, on one screen.</summary>
internal static class RouteTable
{
    public static readonly IReadOnlyList<Row> Rows =
    [
        Users(Routes.Login, Logins.Issue),
        Users(Routes.GetMyCertificate, Certificates.GetMine),
        Users(Routes.ListMyCertificates, Certificates.ListMine),
        Users(Routes.RevokeMyCertificates, Revocations.RevokeMine),
        Users(Routes.GetMyNode, Certificates.FindNode),
        Users(Routes.ListMyNodes, Explanations.ListNodes),
        Users(Routes.CreateRequest, Requests.Create),
        Users(Routes.PlanRequest, Requests.Plan),
        Users(Routes.ListMyRequests, Requests.ListMine),
        Users(Routes.GetMyRequest, Requests.GetMine),
        Users(Routes.ReviewRequest, Reviews.Review),
        Users(Routes.CancelRequest, Resolutions.Cancel),
        Users(Routes.DropRequest, Resolutions.Drop),
        Users(Routes.CountHostsBehind, Operations.Nodes.CountBehind),
        Users(Routes.ExplainMyAccess, OwnExplanations.Explain),
        Users(Routes.SearchResources, Searches.Search),
        Users(Routes.GetMyCapabilities, Requests.MyCapabilities),
        Users(Routes.ProveMyCertificate, AuditProofs.ProveMine) with { Anywhere = false },

        Auditors(Routes.ListRequests, RequestLists.List) with { Anywhere = true },
        Auditors(Routes.GetRequest, Requests.Get) with { Anywhere = true },
        Administrators(Routes.CreateRequestFor, Requests.CreateFor) with { Anywhere = true },
        Administrators(Routes.RemoveRequest, Resolutions.Remove),
        Administrators(Routes.GetCapabilities, Requests.Capabilities) with { Anywhere = true },
        Auditors(Routes.ExplainAccess, Explanations.Explain) with { Anywhere = true },
        Auditors(Routes.ListEntrants, Entrants.List),
        Auditors(Routes.ListEntrantsEverywhere, Entrants.Everywhere),
        Auditors(Routes.StartAccessReview, AccessReviews.Start) with { OnlyRecords = true },
        Auditors(Routes.SignAccessReview, AccessReviews.Sign) with { OnlyRecords = true },
        Auditors(Routes.ListAccessReviews, AccessReviews.List),
        Administrators(Routes.ApproveRequest, Resolutions.Approve) with { Anywhere = true },
        Administrators(Routes.DenyRequest, Resolutions.Deny) with { TakesAway = true, Anywhere = true },
        // A megabyte of file becomes a third larger in base64.
        Administrators(Routes.ApplyResources, ResourceFiles.Apply) with { LargestBody = 2 << 20 },
        Auditors(Routes.GetResources, ResourceFiles.Get),
        Auditors(Routes.ListKinds, ResourceFiles.ListKinds),
        Administrators(Routes.UpdateUser, Operations.Users.Update),
        Administrators(Routes.RemoveResource, Removals.Remove),
        Administrators(Routes.Lock, Operations.Locks.Create) with { TakesAway = true, Anywhere = true },
        Auditors(Routes.ListNodes, Operations.Nodes.List),
        Administrators(Routes.PlanNode, Operations.Nodes.Plan),
        Administrators(Routes.GetNodeFiles, Operations.Nodes.Files),
        Administrators(Routes.ProveNode, Operations.Nodes.Prove),
        Administrators(Routes.CertifyHost, Operations.Nodes.Certify),
        Administrators(Routes.SyncNode, Operations.Nodes.Sync),
        Administrators(Routes.CreateJoinToken, Joins.CreateToken),
        Auditors(Routes.ListJoinTokens, Joins.ListTokens),
        Administrators(Routes.EndJoinToken, Joins.EndToken),
        Auditors(Routes.ListJoins, Joins.List),
        Administrators(Routes.AdmitJoin, Joins.Admit),
        Administrators(Routes.RefuseJoin, Joins.Refuse) with { TakesAway = true },
        Monitors(Routes.ListHostsBehind, Operations.Nodes.Behind) with { Anywhere = true },
        Auditors(Routes.ListCertificates, Certificates.List) with { Anywhere = true },
        Administrators(Routes.RevokeCertificates, Revocations.RevokeNamed) with { TakesAway = true, Anywhere = true },
        Auditors(Routes.ListAudit, AuditLists.List) with { Anywhere = true },
        Auditors(Routes.GetCheckpoint, AuditProofs.Checkpoint),
        Auditors(Routes.GetAuditTile, AuditProofs.Tile),
        Auditors(Routes.GetAuditEntries, AuditProofs.Entries),
        Auditors(Routes.ProveEntry, AuditProofs.Prove),
        Administrators(Routes.AcceptAudit, AuditProofs.Accept),
        Administrators(Routes.ArchiveAudit, AuditArchiving.Archive),
        Monitors(Routes.GetStatus, Certificates.Status) with { Anywhere = true },
        Monitors(Routes.GetMetrics, Scrapes.Read, "application/openmetrics-text; version=1.0.0; charset=utf-8") with { Anywhere = true },
        Monitors(Routes.GetPrometheusMetrics, Scrapes.ReadForPrometheus, "text/plain; version=0.0.4; charset=utf-8") with
        {
            Anywhere = true,
        },
        Administrators(Routes.GetKrl, Certificates.Krl) with { Anywhere = true },
        Administrators(Routes.TakeBackup, Backups.Take),
        Auditors(Routes.ListRotations, RotationState.List),
        Administrators(Routes.RotateKey, KeyRotations.Rotate),
        Administrators(Routes.ConfirmTrust, KeyRotations.ConfirmTrust),
        Administrators(Routes.AcceptClock, Clocks.Accept),

        Anybody(Routes.GetUserCas, Certificates.UserCas),
        Anybody(Routes.GetHostCas, Certificates.HostCas),
        Anybody(Routes.GetLiveness, Health.Live),
        Anybody(Routes.GetReadiness, Health.Ready),
    ];

    private static Row Administrators<TRequest, TReply>(
        Route<TRequest, TReply> route, Func<Authority, Administrator, TRequest, Task<TReply>> operation, Who who = Who.Administrators)
        where TRequest : notnull where TReply : notnull =>
        new Row<TRequest, TReply>(route, who, (ca, caller, ask) => operation(ca, new Administrator(caller), ask));

    // These operations only read, but for those that are OnlyRecords, so a caller who may read is shown what an administrator is shown.
    private static Row Auditors<TRequest, TReply>(
        Route<TRequest, TReply> route, Func<Authority, Administrator, TRequest, Task<TReply>> operation)
        where TRequest : notnull where TReply : notnull => Administrators(route, operation, Who.Auditors);

    private static Row Monitors<TRequest, TReply>(
        Route<TRequest, TReply> route, Func<Authority, Administrator, TRequest, Task<TReply>> operation)
        where TRequest : notnull where TReply : notnull => Administrators(route, operation, Who.Monitors);

    private static Row Administrators<TRequest>(
        Route<TRequest, Stream> route, Func<Authority, Administrator, TRequest, Task<Stream>> operation) where TRequest : notnull =>
        new FileRow<TRequest>(
            route, Who.Administrators, "application/octet-stream", (ca, caller, ask) => operation(ca, new Administrator(caller), ask));

    private static Row Monitors<TRequest>(
        Route<TRequest, Stream> route, Func<Authority, Administrator, TRequest, Task<Stream>> operation, string contentType)
        where TRequest : notnull =>
        new FileRow<TRequest>(route, Who.Monitors, contentType, (ca, caller, ask) => operation(ca, new Administrator(caller), ask));

    private static Row Users<TRequest, TReply>(Route<TRequest, TReply> route, Func<Authority, Caller, TRequest, Task<TReply>> operation)
        where TRequest : notnull where TReply : notnull =>
        new Row<TRequest, TReply>(
            route, Who.Users, async (ca, caller, ask) => await operation(ca, await GroupUsers.Refresh(ca, caller), ask))
        {
            Anywhere = true,
        };

    private static Row Anybody<TRequest, TReply>(Route<TRequest, TReply> route, Func<Authority, TRequest, Task<TReply>> operation)
        where TRequest : notnull where TReply : notnull =>
        new Row<TRequest, TReply>(route, Who.Anybody, (ca, _, ask) => operation(ca, ask))
        {
            Anywhere = true,
        };

    private sealed record Row<TRequest, TReply>(
        Route<TRequest, TReply> To, Who Who, Func<Authority, Caller, TRequest, Task<TReply>> Operation) : Row(To, Who)
        where TRequest : notnull where TReply : notnull
    {
        public override async Task<Stream> Run(
            Authority ca, Caller caller, JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside) =>
            new MemoryStream(
                JsonSerializer.SerializeToUtf8Bytes(
                    await Operation(ca, caller, RouteBinding.Gather<TRequest>(body, outside)), ProtocolJson.Strict.Of<TReply>()));
    }

    /// <summary>A row whose reply is a file, sent unchanged.</summary>
    private sealed record FileRow<TRequest>(
        Route<TRequest, Stream> To, Who Who, string Type, Func<Authority, Caller, TRequest, Task<Stream>> Operation) : Row(To, Who)
        where TRequest : notnull
    {
        public override string ContentType => Type;

        public override Task<Stream> Run(
            Authority ca, Caller caller, JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside) =>
            Operation(ca, caller, RouteBinding.Gather<TRequest>(body, outside));
    }
}
