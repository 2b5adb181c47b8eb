using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Docs;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Pages;

namespace CertAuthority.Tests.Unit.Ui;

/// <summary>What the page says about requests, and the commands that it shows.</summary>
public sealed class DeskTests : IDisposable
{
    private const string Id = "bc8ca931-fec9-4b15-9a6f-20c13c5641a9";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly CaClient nowhere = new(ServerAddress.TryParse("unix:/nowhere")!, _ => false);

    public void Dispose() => nowhere.Dispose();

    [Fact]
    public void Every_command_that_the_page_shows_parses()
    {
        var user = new UserDesk(nowhere, "tsh --profile=work", "alice", (_, _) => Task.FromResult((true, ""))) { Show = _ => [] };
        var administrator = new AdministratorDesk(nowhere, "root") { Show = _ => [] };
        var search = new Search("alice", "dba", "db1", "approved", "24h");
        string[] commands =
        [
            .. ((Desk[])[user, administrator]).SelectMany(desk => (string[])[desk.WaitingCommand, desk.ShowCommand(Id), desk.ApproveCommand(Id), desk.ApproveCommand(Id, new Approval(["dba", "ops"], "30m")), desk.DenyCommand(Id), desk.HistoryCommand(search), desk.HistoryCommand(new Search()), desk.HistoryCommand(search with { Whose = "suggested" }), desk.HistoryCommand(search with { Whose = "reviewable" })]),
            user.MineCommand, user.RolesCommand, user.UseCommand(Id), user.CancelCommand(Id), user.DropCommand(Id), user.SshCommand("postgres", "db1"), user.SearchCommand("pay \"roll"),
            user.AskCommand(new CreateRequest(["dba"])), user.AskCommand(new CreateRequest(["dba"], Resources: ["node/db1", "node/db2"])),
            AdministratorDesk.HostsCommand("", false), AdministratorDesk.HostsCommand("env=prod \"db", true), AdministratorDesk.LocksCommand, AdministratorDesk.EntrantsCommand("db1", "root"), new OneLock("a-b", "user alice", "", null).LiftCommand,
        ];
        Assert.All(commands, command => Assert.True(Shell.IsUnderstood(CommandLine.Parse(CommandLine.Words(command))), command));
    }

    [Fact]
    public void Steps_of_a_request_are_in_the_order_of_time()
    {
        var spec = Spec() with
        {
            State = RequestStates.Denied,
            ResolvedBy = "root",
            ResolveReason = "enough",
            Reviews = [new RequestReview("bob", RequestStates.Approved, ["dba"], "go ahead", Now.AddMinutes(1), Counts: false)],
        };
        CertificateInfo[] certificates = [Certificate() with { RevokedAt = Now.AddMinutes(9) }];
        AuditEntry[] audit = [new AuditEntry { Time = Now.AddMinutes(8), Event = "request.denied" }];
        Assert.Equal(
            ["alice asked for dba", "bob approved dba, which does not count any more", "certificate 7", "denied by root", "certificate 7 revoked"],
            OneRequest.Steps(Of(spec), certificates, audit).Select(step => step.What));
        // Somebody who cannot read the audit does not learn when; it stands last.
        Assert.Equal((null, "denied by root"), OneRequest.Steps(Of(spec), certificates, []).Select(step => (step.Time, step.What)).Last());
    }

    private static RequestResource Of(RequestSpec spec) => new("access_request", "v3", new RequestMetadata(Id, 1), spec);

    private static CertificateInfo Certificate() => new()
    {
        Serial = "7",
        User = "alice",
        KeyId = "alice",
        Roles = ["dba"],
        Requests = [Id],
        Principals = ["postgres@db1"],
        ValidAfter = Now.AddMinutes(5),
        ValidBefore = Now.AddHours(1),
        LimitedBy = "role dba",
        Revoked = true,
    };

    private static RequestSpec Spec() => new()
    {
        User = "alice",
        Roles = ["dba"],
        GrantedRoles = [],
        State = RequestStates.Pending,
        Created = Now,
        Expires = Now.AddHours(1),
        AccessExpires = Now.AddHours(1),
        AccessLasts = "1h",
        AccessLimitedBy = "role dba",
        Clock = RequestClocks.Creation,
        Shortened = [],
        RequestReason = "",
        ResolveReason = "",
        SuggestedReviewers = [],
    };
}
