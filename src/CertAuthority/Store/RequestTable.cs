using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Facts;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The table of access requests.</summary>
internal static class RequestTable
{
    internal const string Columns =
        "id, revision, user_id, user_name, creator_uid, roles, granted_roles, state, created, pending_until, access_until, " +
        "reason, suggested_reviewers, resolved_by, resolved_at, resolve_reason, access_lasts, access_limited_by, clock, session_ttl, assume_from, shortened, " +
        "creator_login_uid, thresholds, annotations, requester_uids, resources, overridden, requester_users";

    /// <summary>
    /// Finds the request whose ID starts with a prefix, of this user or, if null, of any user. The error is the same for a request that
    /// does not exist and for another user's request.
    /// </summary>
    /// <exception cref="ProblemException">Not found, or several IDs start with the prefix.</exception>
    public static AccessRequest FindRequest(this Snapshot snapshot, string prefix, Guid? userId) =>
        snapshot.RequestsStarting(prefix, 2, userId) is var found && found is []
            && Spelling.Nearest(prefix, snapshot.LikelyRequests(userId).Select(id => id[..Math.Min(id.Length, prefix.Length)])) is { } meant
                ? Only([], prefix, new NextStep.Meant(meant))
                : Only(found, prefix);

    /// <summary>Returns the requests whose ID starts with a prefix, of this user or, if null, of any user, up to a limit.</summary>
    public static List<AccessRequest> RequestsStarting(this Snapshot snapshot, string prefix, int most, Guid? userId = null) =>
        WholeId(prefix) is { } whole
            ? snapshot.FindRequest(whole) is { } one && (userId ?? one.UserId) == one.UserId ? [one] : []
        // Searches only for text that can be the start of a UUID.
        : prefix.Length is > 0 and <= 36 && prefix.All(c => char.IsAsciiHexDigitLower(c) || c == '-')
            ? snapshot.Select(
                "WHERE id >= $1 AND id < $2 AND (CAST($3 AS TEXT) IS NULL OR user_id = $3) ORDER BY id LIMIT $4", prefix, prefix + "~", userId, most)
            : [];

    /// <summary>Returns the one request that a prefix means.</summary>
    /// <exception cref="ProblemException">Not found, or several IDs start with the prefix.</exception>
    public static AccessRequest Only(IReadOnlyList<AccessRequest> found, string prefix, params NextStep[] next) => found switch
    {
        [var only] => only,
        [] =>
            throw new ProblemException(
                new Problem(
                    ProblemCode.NotFound, $"there is no request \"{prefix}\"", Next: [.. next, new NextStep.List(NextStep.List.Request)])),
        _ =>
            throw new ProblemException(
                new Problem(ProblemCode.Invalid, $"several requests start with \"{prefix}\"", "give more of the id")),
    };

    // Those that people work with are the newest. The history can be long.
    private static IEnumerable<string> LikelyRequests(this Snapshot snapshot, Guid? user) =>
        snapshot.Query(
            user is null
                ? "SELECT id FROM requests ORDER BY created DESC, id DESC LIMIT 100"
                : "SELECT id FROM requests WHERE user_id = $1 ORDER BY created DESC, id DESC LIMIT 100",
            row => row.String("id"), user);

    public static AccessRequest? FindRequest(this Snapshot snapshot, Guid id) =>
        snapshot.WithReviews(snapshot.Ask(WithId(id))).FirstOrDefault();

    /// <summary>Asks for a request, without its reviews.</summary>
    public static Question<AccessRequest> WithId(Guid id) => new($"SELECT {Columns} FROM requests WHERE id = $1", Row, id);

    /// <summary>Returns the ID that a text names completely; null if it is at most the start of one.</summary>
    public static Guid? WholeId(string text) => Guid.TryParseExact(text, "D", out var id) && $"{id}" == text ? id : null;

    /// <summary>
    /// Returns the requests of a user, newest first. A filter by state, role or node also reads those of the user that it skips.
    /// </summary>
    public static List<AccessRequest> RequestsOf(
        this Snapshot snapshot, User user, RequestFilter filter, DateTimeOffset now, int? limit = null, RequestPlace? after = null) =>
        snapshot.Select(
            $"WHERE user_id = $4{Behind(after)}{filter.Sql()} ORDER BY created DESC, id DESC LIMIT $5", now, after?.Created, after?.Id,
            user.Id, limit ?? long.MaxValue, filter.Role, filter.Since, null, filter.Node?.Node, filter.Node?.RolesAsJson,
            filter.Requester);

    /// <summary>Returns the approved requests whose access has not ended.</summary>
    public static List<AccessRequest> ApprovedRequests(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Select("WHERE state = 'APPROVED' AND access_until > $1", now);

    /// <summary>Returns the approved requests of a user whose access has not ended.</summary>
    public static List<AccessRequest> ApprovedRequestsOf(this Snapshot snapshot, Guid user, DateTimeOffset now) =>
        snapshot.Select("WHERE state = 'APPROVED' AND user_id = $1 AND access_until > $2", user, now);

    /// <summary>Returns the users and the granted roles of all requests in use.</summary>
    public static List<(Guid User, ImmutableArray<PinnedRole> Roles)> RolesInUse(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query(
            "SELECT user_id, granted_roles FROM requests WHERE state = 'APPROVED' AND access_until > $1",
            row => (row.Id("user_id"), row.Pins("granted_roles")), now);

    /// <summary>Returns the requests of a user that are pending or in use, newest first.</summary>
    public static List<AccessRequest> OpenRequestsOf(this Snapshot snapshot, Guid user, DateTimeOffset now) =>
        [
            .. snapshot.PendingRequestsOf(user, now).Concat(snapshot.ApprovedRequestsOf(user, now))
                .OrderByDescending(request => request.Created).ThenByDescending(request => $"{request.Id}", StringComparer.Ordinal)];

    /// <summary>Returns the requests that are pending or in use and name a node.</summary>
    public static List<AccessRequest> OpenRequestsFor(this Snapshot snapshot, Guid node, DateTimeOffset now) =>
        [
            .. snapshot.PendingRequests(now).Concat(snapshot.ApprovedRequests(now))
                .Where(request => request.Resources.Any(one => one.Id == node))];

    /// <summary>Returns the pending requests, newest first.</summary>
    public static List<AccessRequest> PendingRequests(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.PendingRequests(now, _ => true);

    /// <summary>Returns some pending requests, newest first. The reviews of the others are not read.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="which">Chooses requests without looking at their reviews.</param>
    public static List<AccessRequest> PendingRequests(this Snapshot snapshot, DateTimeOffset now, Predicate<AccessRequest> which) =>
        snapshot.WithReviews(
            snapshot.Query(
                $"SELECT {Columns} FROM requests WHERE state = 'PENDING' AND pending_until > $1 ORDER BY created DESC, id", Row, now)
                .FindAll(which));

    /// <summary>Returns the pending requests of a user, newest first.</summary>
    public static List<AccessRequest> PendingRequestsOf(this Snapshot snapshot, Guid user, DateTimeOffset now) =>
        snapshot.Select("WHERE state = 'PENDING' AND user_id = $1 AND pending_until > $2 ORDER BY created DESC, id DESC", user, now);

    /// <summary>
    /// Returns what a user requested for one role before, newest first. It reads an index over the user's requests since the given instant,
    /// and a row for each that asks for the role or was granted it.
    /// </summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="request">The request that is left out.</param>
    /// <param name="role">The name of the role.</param>
    /// <param name="since">Only requests filed after this instant.</param>
    /// <param name="now">The instant at which the states are determined.</param>
    public static List<EarlierRequest> EarlierRequests(
        this Snapshot snapshot, AccessRequest request, string role, DateTimeOffset since, DateTimeOffset now) =>
        // CROSS JOIN keeps the order of the tables: first the user's requests, not those of everybody for the role.
        snapshot.QueryReadable(
            $"""
            SELECT requests.id, requests.created, state, pending_until, access_until,
              CASE WHEN EXISTS (SELECT 1 FROM json_each(granted_roles) WHERE json_extract(value, '$.name') = $4)
                THEN 1 ELSE 0 END AS granted
            FROM requests CROSS JOIN request_roles
            WHERE requests.user_id = $1 AND requests.created > $2 AND requests.id <> $3
              AND request_roles.role = $4 AND request_roles.created = requests.created AND request_roles.id = requests.id
            ORDER BY requests.created DESC, requests.id DESC LIMIT {History.Most}
            """,
            row => new EarlierRequest(
                row.Id("id"), role, row.Time("created"),
                AccessRequest.StateAt(State(row.String("state")), row.Time("pending_until"), row.Time("access_until"), now),
                row.Long("granted") != 0),
            request.UserId, since, request.Id, role);

    /// <summary>Returns the requests that a user has reviewed, newest first. It reads all that they have reviewed.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="user">The reviewer.</param>
    /// <param name="suggested">Whether only those that were suggested to them.</param>
    /// <param name="filter">What else must be true of the requests.</param>
    /// <param name="now">The instant at which the states are determined.</param>
    /// <param name="limit">The largest number of requests; null for all.</param>
    /// <param name="after">The place after which the page begins.</param>
    public static List<AccessRequest> RequestsReviewedBy(
        this Snapshot snapshot, User user, bool suggested, RequestFilter filter, DateTimeOffset now, int? limit = null,
        RequestPlace? after = null) =>
        snapshot.Select(
            $"""
            WHERE id IN (SELECT request_id FROM reviews WHERE author_id = $4)
              {(suggested ? Suggested : "")}{Behind(after)}{filter.Sql()}
            ORDER BY created DESC, id DESC LIMIT $5
            """,
            now, after?.Created, after?.Id, user.Id, limit ?? long.MaxValue, filter.Role, filter.Since, user.Name, filter.Node?.Node,
            filter.Node?.RolesAsJson, filter.Requester);

    // A row that somebody damaged is not left out.
    private const string Suggested = """
        AND CASE
          WHEN json_valid(suggested_reviewers) THEN EXISTS (SELECT 1 FROM json_each(suggested_reviewers) WHERE value = $8)
          ELSE true END
        """;

    private static string Behind(RequestPlace? after) => after is null ? "" : " AND (created, id) < ($2, $3)";

    /// <summary>Returns the approved requests whose access ends between these instants and whose end has not been announced yet.</summary>
    public static List<AccessRequest> EndingRequests(this Snapshot snapshot, DateTimeOffset now, DateTimeOffset until) =>
        snapshot.QueryReadable(
            $"SELECT {Columns} FROM requests WHERE state = 'APPROVED' AND end_told = 0 AND access_until > $1 AND access_until <= $2 ORDER BY access_until", Row, now, until);

    public static void MarkEndTold(this Transaction transaction, AccessRequest request) =>
        transaction.Write("UPDATE requests SET end_told = 1 WHERE id = $1", request.Id);

    public static void RemoveRequest(this Transaction transaction, AccessRequest request)
    {
        foreach (var role in RoleNames(request))
            transaction.Write(
                "DELETE FROM request_roles WHERE role = $1 AND created = $2 AND id = $3", role, request.Created, request.Id);
        foreach (var node in request.Resources)
            transaction.Write(
                "DELETE FROM request_nodes WHERE node = $1 AND created = $2 AND id = $3", node.Name, request.Created, request.Id);
        transaction.Write("DELETE FROM requests WHERE id = $1", request.Id);
    }

    public static int CountPending(this Snapshot snapshot, DateTimeOffset now) =>
        (int)snapshot.QueryFirst(
            "SELECT count(*) FROM requests WHERE state = 'PENDING' AND pending_until > $1", row => row.GetInt64(0), now);

    /// <summary>Returns when the oldest request was filed that waits for an answer; null if none waits.</summary>
    // The plus sign keeps SQLite from searching by the time of filing, past every request that expired without an answer.
    public static DateTimeOffset? OldestPending(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.QueryFirst(
            "SELECT min(+created) AS oldest FROM requests WHERE state = 'PENDING' AND pending_until > $1",
            row => row.IsNull("oldest") ? (DateTimeOffset?)null : row.Time("oldest"), now);

    /// <summary>Counts the requests of a user that were filed since an instant, whatever their state is now.</summary>
    public static int CountFiled(this Snapshot snapshot, User user, DateTimeOffset since) =>
        (int)snapshot.QueryFirst(
            "SELECT count(*) FROM requests WHERE user_id = $1 AND created > $2", row => row.GetInt64(0), user.Id, since);

    /// <summary>
    /// Counts the people to whom a user's requests since an instant were to be mailed; a reviewer of several requests counts once for each.
    /// </summary>
    public static long CountMailed(this Snapshot snapshot, Guid user, DateTimeOffset since) =>
        snapshot.QueryFirst(
            "SELECT coalesce(sum(mailed), 0) FROM requests WHERE user_id = $1 AND created > $2", row => row.GetInt64(0), user, since);

    /// <summary>Records to how many people a request is to be mailed.</summary>
    public static void MarkMailed(this Transaction transaction, AccessRequest request, int people) =>
        transaction.Write("UPDATE requests SET mailed = $2 WHERE id = $1", request.Id, (long)people);

    public static void InsertRequest(this Transaction transaction, AccessRequest request)
    {
        transaction.Write(
            $"INSERT INTO requests ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL, NULL, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
            request.Id, request.Revision, request.UserId, request.UserName, request.CreatorUid.Stored, Rows.Json(request.Roles),
            Rows.Json(request.GrantedRoles),
            RequestTransitions.Word(request.StoredState), request.Created, request.PendingUntil, request.AccessUntil, request.Reason,
            Rows.Json(request.SuggestedReviewers), request.Terms.Lasts, request.Terms.LimitedBy, Word(request.Terms.Clock),
            request.Terms.SessionTtl, request.Terms.AssumeFrom,
            Rows.Json(request.Terms.Shortened), request.CreatorLoginUid?.Stored, Rows.Json(request.Thresholds),
            Rows.Json(request.Annotations), Rows.Json(request.RequesterUids), Rows.Json(request.Resources), Rows.Json(request.Overridden),
            Rows.Json(request.RequesterUsers));
        transaction.NoteRoles(request);
        foreach (var node in request.Resources)
            transaction.Write(
                "INSERT INTO request_nodes (node, created, id) VALUES ($1, $2, $3)", node.Name, request.Created, request.Id);
    }

    /// <summary>Replaces the revision and state on which a decision was made, or fails if the request has changed since.</summary>
    /// <returns>The request at its new revision.</returns>
    public static AccessRequest UpdateRequest(this Transaction transaction, AccessRequest from, AccessRequest to)
    {
        var next = to with { Revision = from.Revision + 1 };
        var changed = transaction.Execute(
            """
            UPDATE requests SET revision = $1, granted_roles = $2, state = $3, access_until = $4, resolved_by = $5, resolved_at = $6,
                resolve_reason = $7, access_lasts = $8, access_limited_by = $9, shortened = $10, assume_from = $11, overridden = $12
            WHERE id = $13 AND revision = $14 AND state = $15
            """,
            next.Revision, Rows.Json(next.GrantedRoles), RequestTransitions.Word(next.StoredState), next.AccessUntil, next.Resolution?.By,
            next.Resolution?.At,
            next.Resolution?.Reason, next.Terms.Lasts, next.Terms.LimitedBy, Rows.Json(next.Terms.Shortened), next.Terms.AssumeFrom,
            Rows.Json(next.Overridden), from.Id, from.Revision, RequestTransitions.Word(from.StoredState));
        if (changed != 1)
            throw new ProblemException(new Problem(ProblemCode.Conflict, $"request {from.Id} was changed meanwhile", "look at it again"));
        transaction.NoteRoles(next);
        return next;
    }

    /// <summary>Makes a pending request expire at an earlier instant than before.</summary>
    /// <returns>The request at its new revision.</returns>
    public static AccessRequest EndWaiting(this Transaction transaction, AccessRequest request, DateTimeOffset until)
    {
        var next = request with { Revision = request.Revision + 1, PendingUntil = until };
        transaction.Write(
            "UPDATE requests SET revision = $1, pending_until = $2 WHERE id = $3", next.Revision, next.PendingUntil, next.Id);
        return next;
    }

    /// <summary>Reads requests, in the order of their IDs, and their reviews.</summary>
    /// <returns>The ID of the last one; the one after which it began if there is none.</returns>
    public static string InspectRequests(this Inspection inspection, string after, int most)
    {
        var rows = inspection.Query("SELECT id FROM requests WHERE id > $1 ORDER BY id LIMIT $2", row => row.GetString(0), after, most);
        if (rows is not [.., var last])
            return after;
        inspection.Select("WHERE id > $1 AND id <= $2", after, last);
        return last;
    }

    // Roles that were granted and then replaced by other ones keep their row; the list by role reads the request itself as well.
    private static void NoteRoles(this Transaction transaction, AccessRequest request)
    {
        foreach (var role in RoleNames(request))
            transaction.Write(
                "INSERT INTO request_roles (role, created, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", role, request.Created,
                request.Id);
    }

    private static IEnumerable<string> RoleNames(AccessRequest request) =>
        request.Roles.Concat(request.GrantedRoles).Select(role => role.Name).Distinct(StringComparer.Ordinal);

    /// <summary>Reads requests with their reviews.</summary>
    private static List<AccessRequest> Select(this Snapshot snapshot, string which, params ReadOnlySpan<object?> values) =>
        snapshot.WithReviews(snapshot.Query($"SELECT {Columns} FROM requests {which}", Row, values));

    internal static List<AccessRequest> WithReviews(this Snapshot snapshot, List<AccessRequest> requests) =>
        requests.ConvertAll(request => request with { Reviews = snapshot.ReviewsOf(request.Id) });

    internal static AccessRequest Row(DbDataReader row) => new()
    {
        Id = row.Id("id"),
        Revision = row.Long("revision"),
        UserId = row.Id("user_id"),
        UserName = row.String("user_name"),
        CreatorUid = row.Uid("creator_uid"),
        Roles = row.Pins("roles"),
        GrantedRoles = row.Pins("granted_roles"),
        StoredState = State(row.String("state")),
        Created = row.Time("created"),
        PendingUntil = row.Time("pending_until"),
        AccessUntil = row.Time("access_until"),
        Reason = row.String("reason"),
        SuggestedReviewers = row.Texts("suggested_reviewers"),
        Resolution = row.Text("resolved_by") is { } by
            ? new RequestResolution(by, row.Time("resolved_at"), row.Text("resolve_reason") ?? "")
            : null,
        CreatorLoginUid = row.IsNull("creator_login_uid") ? null : row.Uid("creator_login_uid"),
        Terms = new AccessTerms(
            row.Length("access_lasts"), row.String("access_limited_by"),
            row.String("clock") == "approval" ? RequestClock.Approval : RequestClock.Creation,
            row.IsNull("session_ttl") ? null : row.Length("session_ttl"), row.IsNull("assume_from") ? null : row.Time("assume_from"),
            row.Texts("shortened")),
        Thresholds = row.Thresholds("thresholds"),
        Annotations = row.Annotations("annotations"),
        RequesterUids = row.Uids("requester_uids"),
        Resources = row.Nodes("resources"),
        Overridden = row.Texts("overridden"),
        RequesterUsers = row.Ids("requester_users"),
    };

    /// <summary>Returns the name of a clock, for people and rows.</summary>
    public static string Word(RequestClock clock) => clock == RequestClock.Approval ? "approval" : "creation";

    private static RequestState State(string word) => word switch
    {
        "PENDING" => RequestState.Pending,
        "APPROVED" => RequestState.Approved,
        "CANCELLED" => RequestState.Cancelled,
        "DENIED" => RequestState.Denied,
        _ => throw new InvalidDataException($"a request in the database has the state {word}"),
    };
}
