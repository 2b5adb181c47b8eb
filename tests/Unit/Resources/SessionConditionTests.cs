using CertAuthority.Access.Roles;
using CertAuthority.OpenSsh;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.Unit.Resources;

/// <summary>Every condition of the table goes from a role to the bytes of a certificate, without being named anywhere on its way.</summary>
public sealed class SessionConditionTests
{
    private static readonly Dictionary<string, string> Everything = SessionCondition.All.ToDictionary(
        condition => condition.Name,
        condition => condition.Form switch { ConditionForm.Flag => "", ConditionForm.List => "10.0.0.1,192.0.2.0/24", _ => "/usr/bin/id" });

    private static readonly Role Strict = Sample.Role("strict", ["root"], LabelSelector.All) with
    {
        Options = RoleOptions.None with { Conditions = SessionConditions.None.AddRange(Everything) },
    };

    [Fact]
    public void Conditions_of_roles_are_the_options_that_certificates_have() => Assert.Equal(
        CriticalOption.All.Select(option => (option.Name, option.IsFlag, option.IsForSecurityKeys)),
        SessionCondition.All.Select(condition => (condition.Name, condition.Form == ConditionForm.Flag, condition.IsForSecurityKeys)).OrderBy(one => one.Name, StringComparer.Ordinal));

    [Fact]
    public void Both_tables_say_the_same_words() =>
        Assert.Equal(SessionConditions.InWords(Strict.Options.Conditions), CriticalOption.Describe(Strict.Options.Conditions));

    [Fact]
    public async Task Stored_role_keeps_every_condition()
    {
        await using var world = new World();
        await world.Database.Commit(transaction => { RoleRow.Table.Put(transaction, Strict); return 0; });
        Assert.Equal(Everything, world.Database.Read(snapshot => snapshot.Policy()).Roles["strict"].Options.Conditions.ToDictionary());
    }

    [Fact]
    public void Certificate_has_every_condition_and_passes_the_lint()
    {
        var written = new UserCertificate
        {
            Nonce = new byte[32],
            Key = PublicKey.Parse(Vector.Blob("sk_ed25519.pub")),
            Serial = 1,
            KeyId = "alice",
            Principals = ["alice"],
            Validity = new Validity(1, 2),
            Extensions = UserExtensions.PermitPty,
            CriticalOptions = Strict.Options.Conditions,
            SignatureKey = Vector.CaOf("ed25519"),
        };
        Assert.Empty(CertificateLint.Faults(written.ToBeSigned(), CertificateType.User));
    }

    [Theory]
    [InlineData("""{"agent_forwarding":true,"port_forwarding":false,"x11_forwarding":false,"force_command":"id","source_addresses":["10.0.0.0/8","::1"],"verify_required":true,"extensions":{"a@b":"1"}}""",
        "force-command=id source-address=10.0.0.0/8,::1 verify-required= a@b=1")]
    [InlineData("""{"agent_forwarding":true,"port_forwarding":false,"x11_forwarding":false,"force_command":null,"source_addresses":null,"verify_required":false,"extensions":{}}""", "")]
    [InlineData("""{"agent_forwarding":true,"port_forwarding":false,"x11_forwarding":false,"conditions":{"force-command":"id"},"extensions":{}}""", "force-command=id")]
    public void Permissions_that_earlier_versions_stored_are_read(string row, string expected)
    {
        var read = System.Text.Json.JsonSerializer.Deserialize(row, RowJson.Default.PermissionsRow)!.Read();
        Assert.Equal(expected, string.Join(' ', read.Conditions.Concat(read.Extensions).Select(one => $"{one.Key}={one.Value}")));
        Assert.True(read.AgentForwarding);
        Assert.Equal(Rows.Json(read), Rows.Json(System.Text.Json.JsonSerializer.Deserialize(Rows.Json(read), RowJson.Default.PermissionsRow)!.Read()));
    }
}
