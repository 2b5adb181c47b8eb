using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users add</c>.</summary>
internal sealed class UsersAddCommand : CliCommand
{
    private readonly Argument<string> name = new("NAME") { Description = "The new user" };
    private readonly HostsWait wait = new();
    private readonly ListOption roles = new("--roles", "The user's roles", "ROLE")
    {
        Required = true,
        CompletionSources = { AdminCompletions.Roles }
    };
    private readonly ListOption logins = new("--logins", "The trait logins, for roles that say {{internal.logins}}", "LOGIN")
    {
        Items = PlainNames.Logins,
    };
    private readonly ListOption unixUsers = new(
        "--unix-user", "The accounts, or uids, that act as the user. Default: its namesake", "ACCOUNT");

    public UsersAddCommand()
        : base("add", "Creates a user", "tctl users add alice --roles=access --logins=alice --unix-user=alice")
    {
        Arguments.Add(name);
        Options.Add(roles);
        Options.Add(logins);
        Options.Add(unixUsers);
        Options.Add(wait);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var user = Resource(parsed.GetValue(name)!, parsed.GetValue(roles)!, logins.Given(parsed), unixUsers.Given(parsed));
        using var ca = ServerOption.Connect(parsed);
        return await parsed.Show(
            await ca.Send(
                Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(user.ToJsonString()), "users add"), cancellation), wait,
            ca, cancellation);
    }

    private static JsonObject Resource(string name, string[] roles, string[]? logins, string[]? unixUsers)
    {
        var spec = new JsonObject { ["roles"] = Array(roles) };
        if (unixUsers is not null)
            spec["unix_users"] = Array(unixUsers);
        if (logins is not null)
            spec["traits"] = new JsonObject { ["logins"] = Array(logins) };
        return new JsonObject
        {
            ["kind"] = ResourceKinds.User,
            ["version"] = "v2",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = spec
        };
    }

    private static JsonArray Array(string[] items) => new([.. items.Select(item => (JsonNode?)JsonValue.Create(item))]);
}
