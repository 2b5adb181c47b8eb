namespace CertAuthority.Protocol;

/// <summary>A call that the daemon serves.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Names in braces are members of the request; the others go into the query (GET, DELETE) or the body.</param>
/// <typeparam name="TRequest">The type of the request.</typeparam>
/// <typeparam name="TReply">The type of the answer: a message, or a <see cref="Stream"/> for raw bytes.</typeparam>
public sealed record Route<TRequest, TReply>(string Method, string Path) : Route(Method, Path, typeof(TRequest), typeof(TReply))
    where TRequest : notnull
    where TReply : notnull;

/// <summary>A route without its message types, for code that lists routes.</summary>
public abstract record Route(string Method, string Path, Type Request, Type Reply)
{
    /// <summary>Whether members that are not in the path are in the query.</summary>
    public bool UsesQuery => Method is "GET" or "DELETE";

    /// <summary>
    /// Whether a call whose answer was lost may be sent again: it only reads, or a second one does no harm, or the daemon recognizes it.
    /// </summary>
    public bool MayRepeat { get; init; } = Method == "GET";

    /// <summary>
    /// Whether the daemon recognizes a call that is sent again, by the key in <see cref="KeyHeader"/>. The answer is then that of the first
    /// one.
    /// </summary>
    public bool TakesKey
    {
        get;
        init => MayRepeat = field = value;
    }

    /// <summary>
    /// The header with the key of a call. It is no member of the message, so that daemons of earlier versions do not refuse the message.
    /// </summary>
    public const string KeyHeader = "Idempotency-Key";
}

/// <summary>
/// Every route that the daemon serves and that the command lines call. The daemon's route table says who may use each: <c>/v1/my</c> is for
/// users acting as themselves, the CAs' public keys and the health are for anybody, and the rest is for administrators and readers.
/// </summary>
public static class Routes
{
    /// <summary>Issues a certificate.</summary>
    public static readonly Route<Login, LoggedIn> Login = new("POST", "/v1/my/certificates") { TakesKey = true };
    /// <summary>Reads one of the caller's certificates.</summary>
    public static readonly Route<GetMyCertificate, CertificateInfo> GetMyCertificate = new("GET", "/v1/my/certificates/{serial}");
    /// <summary>Proves that the issuing of one of the caller's certificates is in the audit.</summary>
    public static readonly Route<ProveMyCertificate, EntryProven> ProveMyCertificate = new("GET", "/v1/my/certificates/{serial}/proof");
    /// <summary>Lists the caller's certificates.</summary>
    public static readonly Route<ListMyCertificates, CertificateList> ListMyCertificates = new("GET", "/v1/my/certificates");
    /// <summary>Revokes certificates of the caller.</summary>
    public static readonly Route<RevokeMyCertificates, CertificatesRevoked> RevokeMyCertificates = new(
        "POST", "/v1/my/certificates/revoke");
    /// <summary>Reads the address of a node within reach.</summary>
    public static readonly Route<GetMyNode, ReachableNode> GetMyNode = new("GET", "/v1/my/nodes/{name}");
    /// <summary>Lists the nodes within reach.</summary>
    public static readonly Route<ListMyNodes, NodeList> ListMyNodes = new("GET", "/v1/my/nodes");
    /// <summary>Files a request.</summary>
    public static readonly Route<CreateRequest, RequestResource> CreateRequest = new("POST", "/v1/my/requests") { TakesKey = true };
    /// <summary>Returns the request that would be filed, without filing it.</summary>
    public static readonly Route<CreateRequest, RequestPlan> PlanRequest = new("POST", "/v1/my/requests/dry-run")
    {
        MayRepeat = true,
    };
    /// <summary>Reviews another user's request.</summary>
    public static readonly Route<ReviewRequest, RequestResolved> ReviewRequest = new("POST", "/v1/my/requests/{id}/review");
    /// <summary>Lists the caller's requests, and those that they may review.</summary>
    public static readonly Route<ListMyRequests, RequestList> ListMyRequests = new("GET", "/v1/my/requests");
    /// <summary>Reads, and waits for, a request that the caller may see.</summary>
    public static readonly Route<GetMyRequest, RequestResource> GetMyRequest = new("GET", "/v1/my/requests/{id}");
    /// <summary>Withdraws a pending request.</summary>
    public static readonly Route<EndMyRequest, RequestResolved> CancelRequest = new("POST", "/v1/my/requests/{id}/cancel");
    /// <summary>Gives up an approved request.</summary>
    public static readonly Route<EndMyRequest, RequestResolved> DropRequest = new("POST", "/v1/my/requests/{id}/drop");
    /// <summary>Returns how many hosts do not have the revocation list yet.</summary>
    public static readonly Route<ListHostsBehind, HostsBehind> CountHostsBehind = new("GET", "/v1/my/hosts/behind");

    /// <summary>Explains why the caller can, or cannot, log in.</summary>
    public static readonly Route<ExplainMyAccess, AccessExplained> ExplainMyAccess = new("GET", "/v1/my/access");
    /// <summary>Searches for resources that the caller can request by name.</summary>
    public static readonly Route<SearchResources, ResourcesFound> SearchResources = new("GET", "/v1/my/resources");
    /// <summary>Returns the users that the caller can act as, and what one of them can request.</summary>
    public static readonly Route<GetMyCapabilities, MyCapabilities> GetMyCapabilities = new("GET", "/v1/my/capabilities");

    /// <summary>Lists all requests.</summary>
    public static readonly Route<ListRequests, RequestList> ListRequests = new("GET", "/v1/requests");
    /// <summary>Reads any request.</summary>
    public static readonly Route<GetRequest, RequestResource> GetRequest = new("GET", "/v1/requests/{id}");
    /// <summary>Files a request for a user.</summary>
    public static readonly Route<CreateRequestFor, RequestResource> CreateRequestFor = new("POST", "/v1/requests") { TakesKey = true };
    /// <summary>Removes a request from the list.</summary>
    public static readonly Route<RemoveRequest, RequestResolved> RemoveRequest = new("DELETE", "/v1/requests/{id}");
    /// <summary>Returns what a user can request.</summary>
    public static readonly Route<GetCapabilities, Capabilities> GetCapabilities = new("GET", "/v1/users/{name}/capabilities");
    /// <summary>Explains why a user can, or cannot, log in.</summary>
    public static readonly Route<ExplainAccess, AccessExplained> ExplainAccess = new("GET", "/v1/users/{name}/access");
    /// <summary>Lists who can log in to a node, and who could request it.</summary>
    public static readonly Route<ListEntrants, EntrantList> ListEntrants = new("GET", "/v1/nodes/{name}/access");
    /// <summary>Lists who can log in to every host that trusts the CA, enrolled or not, and who could request it.</summary>
    public static readonly Route<ListEntrantsEverywhere, EntrantList> ListEntrantsEverywhere = new("GET", "/v1/access");
    /// <summary>Records that a review of who has access begins.</summary>
    public static readonly Route<StartAccessReview, AccessReview> StartAccessReview = new("POST", "/v1/access/reviews");
    /// <summary>Records the signature that ends a review of who has access.</summary>
    public static readonly Route<SignAccessReview, AccessReview> SignAccessReview = new("POST", "/v1/access/reviews/{number}/signature");
    /// <summary>Lists the reviews of who has access.</summary>
    public static readonly Route<ListAccessReviews, AccessReviewList> ListAccessReviews = new("GET", "/v1/access/reviews");
    /// <summary>Approves a request.</summary>
    public static readonly Route<ApproveRequest, RequestResolved> ApproveRequest = new("POST", "/v1/requests/{id}/approve");
    /// <summary>Denies a request, or withdraws an approval.</summary>
    public static readonly Route<DenyRequest, RequestResolved> DenyRequest = new("POST", "/v1/requests/{id}/deny");
    /// <summary>Creates or replaces resources.</summary>
    public static readonly Route<ApplyResources, AppliedResources> ApplyResources = new("POST", "/v1/resources");
    /// <summary>Reads the resources of a kind, or one of them.</summary>
    public static readonly Route<GetResources, ResourceList> GetResources = new("GET", "/v1/resources/{kind}");
    /// <summary>Lists the kinds of resources.</summary>
    public static readonly Route<ListKinds, KindList> ListKinds = new("GET", "/v1/kinds");
    /// <summary>Changes lists of a user.</summary>
    public static readonly Route<UpdateUser, AppliedResources> UpdateUser = new("POST", "/v1/users/{name}");
    /// <summary>Removes a resource.</summary>
    public static readonly Route<RemoveResource, AppliedResources> RemoveResource = new("DELETE", "/v1/resources/{kind}/{name}");
    /// <summary>Locks a user, role, login, node or request.</summary>
    public static readonly Route<CreateLock, Locked> Lock = new("POST", "/v1/locks");
    /// <summary>Lists the nodes.</summary>
    public static readonly Route<ListNodes, NodeStatusList> ListNodes = new("GET", "/v1/nodes");
    /// <summary>Returns the files for a host.</summary>
    public static readonly Route<GetNodeFiles, NodeFiles> GetNodeFiles = new("GET", "/v1/nodes/{name}/files");
    /// <summary>Returns the consequences of enrolling a host; changes nothing.</summary>
    public static readonly Route<PlanNode, NodePlan> PlanNode = new("POST", "/v1/nodes/{name}/plan") { MayRepeat = true };
    /// <summary>Signs certificates that test a host.</summary>
    public static readonly Route<ProveNode, NodeProof> ProveNode = new("POST", "/v1/nodes/{name}/proof");
    /// <summary>Signs the key of a host.</summary>
    public static readonly Route<CertifyHost, HostCertified> CertifyHost = new("POST", "/v1/nodes/{name}/certificates");
    /// <summary>Writes to a host.</summary>
    public static readonly Route<SyncNode, NodeStatus> SyncNode = new("POST", "/v1/nodes/{name}/sync");
    /// <summary>Makes what lets hosts join by themselves.</summary>
    public static readonly Route<CreateJoinToken, JoinTokenMade> CreateJoinToken = new("POST", "/v1/join-tokens");
    /// <summary>Lists what lets hosts join.</summary>
    public static readonly Route<ListJoinTokens, JoinTokenList> ListJoinTokens = new("GET", "/v1/join-tokens");
    /// <summary>Ends a token.</summary>
    public static readonly Route<EndJoinToken, JoinTokenInfo> EndJoinToken = new("DELETE", "/v1/join-tokens/{id}");
    /// <summary>Lists the hosts that ask to join.</summary>
    public static readonly Route<ListJoins, JoinList> ListJoins = new("GET", "/v1/joins");
    /// <summary>Admits a host that waits to join.</summary>
    public static readonly Route<AdmitJoin, JoinInfo> AdmitJoin = new("POST", "/v1/joins/{name}/admit");
    /// <summary>Refuses a host that waits to join.</summary>
    public static readonly Route<RefuseJoin, JoinInfo> RefuseJoin = new("POST", "/v1/joins/{name}/refuse");
    /// <summary>Returns the hosts that do not have the revocation list yet.</summary>
    public static readonly Route<ListHostsBehind, HostsBehind> ListHostsBehind = new("GET", "/v1/hosts/behind");
    /// <summary>Revokes certificates.</summary>
    public static readonly Route<RevokeCertificates, CertificatesRevoked> RevokeCertificates = new("POST", "/v1/certificates/revoke");
    /// <summary>Returns the state of the daemon.</summary>
    public static readonly Route<GetStatus, DaemonStatus> GetStatus = new("GET", "/v1/status");
    /// <summary>Reads the metrics. The answer is text, OpenMetrics 1.0.</summary>
    public static readonly Route<GetMetrics, Stream> GetMetrics = new("GET", "/metrics");
    /// <summary>Reads the metrics in the text format 0.0.4 of Prometheus, which node_exporter and promtool read.</summary>
    public static readonly Route<GetMetrics, Stream> GetPrometheusMetrics = new("GET", "/metrics/prometheus");
    /// <summary>Returns whether the daemon answers.</summary>
    public static readonly Route<GetLiveness, HealthState> GetLiveness = new("GET", "/livez");
    /// <summary>Returns whether the daemon could issue a certificate.</summary>
    public static readonly Route<GetReadiness, HealthState> GetReadiness = new("GET", "/readyz");
    /// <summary>Lists certificates.</summary>
    public static readonly Route<ListCertificates, CertificateList> ListCertificates = new("GET", "/v1/certificates");
    /// <summary>Reads the audit.</summary>
    public static readonly Route<ListAudit, AuditList> ListAudit = new("GET", "/v1/audit");
    /// <summary>Reads the last checkpoint of the audit.</summary>
    public static readonly Route<GetCheckpoint, AuditCheckpoint> GetCheckpoint = new("GET", "/v1/audit/checkpoint");
    /// <summary>Reads a tile of the log over the audit.</summary>
    public static readonly Route<GetAuditTile, AuditTile> GetAuditTile = new("GET", "/v1/audit/tiles");
    /// <summary>Reads the bytes of entries.</summary>
    public static readonly Route<GetAuditEntries, AuditEntries> GetAuditEntries = new("GET", "/v1/audit/entries");
    /// <summary>Proves that an entry is in the log.</summary>
    public static readonly Route<ProveEntry, EntryProven> ProveEntry = new("GET", "/v1/audit/proof");
    /// <summary>Begins another log after a fault.</summary>
    public static readonly Route<AcceptAudit, AuditAccepted> AcceptAudit = new("POST", "/v1/audit/accept");
    /// <summary>Removes old entries of the audit, after they were copied to an archive.</summary>
    public static readonly Route<ArchiveAudit, AuditArchived> ArchiveAudit = new("POST", "/v1/audit/archive");
    /// <summary>Reads the revocation list.</summary>
    public static readonly Route<GetKrl, RevocationList> GetKrl = new("GET", "/v1/keys/krl");
    /// <summary>Copies the database. The answer is a file.</summary>
    public static readonly Route<TakeBackup, Stream> TakeBackup = new("POST", "/v1/backup");

    /// <summary>Lists the rotations of CA keys that are under way.</summary>
    public static readonly Route<ListRotations, RotationList> ListRotations = new("GET", "/v1/authority/rotations");
    /// <summary>Changes the rotation of a CA key.</summary>
    public static readonly Route<RotateKey, KeyRotated> RotateKey = new("POST", "/v1/authority/rotations/{key}");
    /// <summary>Records which keys were put on a host.</summary>
    public static readonly Route<ConfirmTrust, TrustConfirmed> ConfirmTrust = new("POST", "/v1/nodes/{name}/trust");
    /// <summary>Confirms that the clock is right.</summary>
    public static readonly Route<AcceptClock, ClockAccepted> AcceptClock = new("POST", "/v1/clock/accept");

    /// <summary>Reads the public half of the user CA.</summary>
    public static readonly Route<GetUserCas, CaPublicKeys> GetUserCas = new("GET", "/v1/keys/user");
    /// <summary>Reads the public half of the host CA.</summary>
    public static readonly Route<GetHostCas, HostCaPublicKeys> GetHostCas = new("GET", "/v1/keys/host");

    /// <summary>All routes.</summary>
    public static readonly IReadOnlyList<Route> All =
    [
        Login, GetMyCertificate, ListMyCertificates, RevokeMyCertificates, GetMyNode, ListMyNodes, CreateRequest, PlanRequest,
        ListMyRequests, GetMyRequest, ReviewRequest, CancelRequest, DropRequest, CountHostsBehind, ExplainMyAccess,
        SearchResources, GetMyCapabilities, ProveMyCertificate,
        ListRequests, GetRequest, CreateRequestFor, RemoveRequest, GetCapabilities, ExplainAccess, ListEntrants,
        ListEntrantsEverywhere, StartAccessReview, SignAccessReview, ListAccessReviews,
        ApproveRequest, DenyRequest,
        ApplyResources, GetResources, ListKinds, UpdateUser, RemoveResource, Lock, ListNodes, PlanNode, GetNodeFiles, ProveNode,
        CertifyHost, SyncNode, CreateJoinToken, ListJoinTokens, EndJoinToken, ListJoins, AdmitJoin, RefuseJoin, ListHostsBehind,
        ListCertificates, RevokeCertificates, ListAudit, GetStatus, GetMetrics,
        GetPrometheusMetrics, GetKrl, TakeBackup, GetCheckpoint, GetAuditTile, GetAuditEntries, ProveEntry, AcceptAudit, ArchiveAudit,
        ListRotations, RotateKey, ConfirmTrust, AcceptClock,
        GetUserCas, GetHostCas, GetLiveness, GetReadiness,
    ];
}
