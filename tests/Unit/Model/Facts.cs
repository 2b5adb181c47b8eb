using System.Text.Json.Nodes;

namespace CertAuthority.Tests.Unit.Model;

/// <summary>A role as the model writes it. Times and lengths are whole seconds.</summary>
internal sealed record ModelRole(string Name)
{
    public string[] Logins { get; init; } = [];

    /// <summary>The value of the label <c>env</c> of the hosts where the logins count; <c>*</c> for every host, null for none.</summary>
    public string? Hosts { get; init; }

    public string[] DeniedLogins { get; init; } = [];
    public string? DeniedHosts { get; init; }
    public string[] Asks { get; init; } = [];
    public string[] DeniedAsks { get; init; } = [];
    public long? MaxDuration { get; init; }
    public bool FromApproval { get; init; }
    public bool RequireAll { get; init; }
    public ModelThreshold[] Thresholds { get; init; } = [];
    public string[] Reviews { get; init; } = [];
    public string[] DeniedReviews { get; init; } = [];
    public string[] Reviewers { get; init; } = [];
    public long? MaxSession { get; init; }
    public long? Expires { get; init; }

    /// <summary>As an administrator would write it.</summary>
    public JsonObject Write() => new()
    {
        ["kind"] = "role",
        ["version"] = "v8",
        ["metadata"] = Expires is { } end ? new JsonObject { ["name"] = Name, ["expires"] = Written.Time(end) } : new JsonObject { ["name"] = Name },
        ["spec"] = Spec(),
    };

    public JsonObject Spec()
    {
        var request = new JsonObject { ["roles"] = Written.List(Asks) };
        if (MaxDuration is { } longest)
            request["max_duration"] = $"{longest}s";
        if (FromApproval)
            request["clock"] = "approval";
        if (RequireAll)
            request["require"] = "all";
        if (Thresholds.Length > 0)
            request["thresholds"] = new JsonArray([.. Thresholds.Select(one => one.Write())]);
        var allow = new JsonObject { ["logins"] = Written.List(Logins), ["request"] = request, ["review_requests"] = new JsonObject { ["roles"] = Written.List(Reviews) } };
        if (Hosts is not null)
            allow["node_labels"] = Labels(Hosts);
        var deny = new JsonObject
        {
            ["logins"] = Written.List(DeniedLogins),
            ["request"] = new JsonObject { ["roles"] = Written.List(DeniedAsks) },
            ["review_requests"] = new JsonObject { ["roles"] = Written.List(DeniedReviews) },
        };
        if (DeniedHosts is not null)
            deny["node_labels"] = Labels(DeniedHosts);
        var spec = new JsonObject { ["allow"] = allow, ["deny"] = deny, ["reviewers"] = Written.List(Reviewers) };
        if (MaxSession is { } session)
            spec["options"] = new JsonObject { ["max_session_ttl"] = $"{session}s" };
        return Written.WithoutEmpty(spec);
    }

    private static JsonObject Labels(string env) => env == "*" ? new JsonObject { ["*"] = "*" } : new JsonObject { ["env"] = env };
}

/// <summary>How many reviews decide, of holders of <see cref="Of"/> only where it is not null.</summary>
internal sealed record ModelThreshold(int Approve, int Deny, string? Of)
{
    public JsonObject Write()
    {
        var written = new JsonObject { ["name"] = "some", ["approve"] = Approve, ["deny"] = Deny };
        if (Of is not null)
            written["filter"] = $"contains(reviewer.roles, \"{Of}\")";
        return written;
    }
}

/// <summary>A role at one revision: another one under the same name is another role.</summary>
internal sealed record ModelPin(string Name, int Id, int Revision);

internal sealed record StoredRole(ModelRole Role, int Id, int Revision)
{
    public ModelPin Pin => new(Role.Name, Id, Revision);
}

/// <summary>A user; <c>Groups</c> is null for one with a resource.</summary>
internal sealed record ModelUser(int Id, string Name, string[] Roles, string[] UnixUsers, string[]? Groups = null)
{
    public JsonObject Write() => new()
    {
        ["kind"] = "user",
        ["version"] = "v2",
        ["metadata"] = new JsonObject { ["name"] = Name },
        ["spec"] = new JsonObject { ["roles"] = Written.List(Roles), ["unix_users"] = Written.List(UnixUsers) },
    };
}

internal sealed record ModelLock(string Kind, string On, long? Ends)
{
    /// <summary>The name under which the daemon keeps it.</summary>
    public string Name { get; set; } = "";
}

internal enum ModelState
{
    Pending,
    Approved,
    Denied,
    Cancelled,
    Expired,
}

internal sealed class ModelRequest
{
    public string Id { get; set; } = "";
    public required int User { get; init; }
    public required string UserName { get; init; }
    public required ModelPin[] Asked { get; init; }
    public required long Created { get; init; }
    public required (ModelPin By, bool All, ModelThreshold[] Thresholds)[] Sets { get; init; }
    public required bool FromApproval { get; init; }
    public required long? Session { get; init; }

    /// <summary>Everything that was the requester when it was filed.</summary>
    public required string[] Requester { get; init; }

    public ModelState State { get; set; }
    public long PendingUntil { get; set; }
    public long AccessUntil { get; set; }
    public long Lasts { get; set; }
    public long? AssumeFrom { get; set; }
    public long Approved { get; set; }
    public ModelPin[] Granted { get; set; } = [];
    public List<ModelVote> Votes { get; } = [];

    /// <summary>Whether it was seen expired once.</summary>
    public bool HasExpired { get; set; }
}

/// <param name="Author">The user's id.</param>
/// <param name="Approves">Whether it is no denial.</param>
/// <param name="Roles">What an approval grants.</param>
/// <param name="AssumeFrom">When the access is to begin.</param>
/// <param name="Person">Everything that was the author when they voted.</param>
internal sealed record ModelVote(int Author, bool Approves, string[] Roles, long? AssumeFrom, string[] Person);

internal sealed class ModelCertificate
{
    public string Serial { get; set; } = "";
    public required int Login { get; init; }
    public required int User { get; init; }
    public required ModelCaller Caller { get; init; }
    public required string[] Requests { get; init; }
    public required string[] Principals { get; init; }
    public required long Issued { get; init; }
    public required long Ends { get; init; }
    public bool Revoked { get; set; }
}

/// <summary>Who calls: what the kernel says. <c>LoginUid</c> is as whom they once logged in.</summary>
internal sealed record ModelCaller(uint Uid, string? Account, uint? LoginUid = null)
{
    public bool IsRoot => Uid == 0;

    public override string ToString() => $"{Account ?? "nobody"}({Uid}{(LoginUid is null ? "" : $", logged in as {LoginUid}")})";
}

internal static class Written
{
    public static JsonArray List(IEnumerable<string> items) => new([.. items.Select(item => (JsonNode)item)]);

    public static JsonObject WithoutEmpty(JsonObject all)
    {
        foreach (var (key, value) in all.ToList())
            if (value is JsonObject inner && WithoutEmpty(inner).Count == 0 || value is JsonArray { Count: 0 })
                all.Remove(key);
        return all;
    }

    public static string Time(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
}
