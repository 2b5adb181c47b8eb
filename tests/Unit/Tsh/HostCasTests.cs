using System.Text;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit;

/// <summary>Which host CA keys tsh believes, with statements that ssh-keygen signs.</summary>
public sealed class HostCasTests : IDisposable
{
    private const string Here = "8d1c0f5b7a3e4c29";
    private const string Elsewhere = "0123456789abcdef";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Chain_of_statements_leads_over_two_rotations()
    {
        Assert.Equal([Key("a"), Key("b"), Key("c")], await Reached(["a"], Says("b", "c"), Says("a", "b")));
        Assert.Equal([Key("b"), Key("c")], await Reached(["b"], Says("a", "b"), Says("b", "c")));
    }

    [Fact]
    public async Task Broken_chain_leads_no_further() =>
        Assert.Equal([Key("a"), Key("b")], await Reached(["a"], Says("a", "b"), Says("c", "d")));

    [Fact]
    public async Task Circle_of_statements_ends() =>
        Assert.Equal([Key("a"), Key("b")], await Reached(["a"], Says("a", "b"), Says("b", "a"), Says("a", "b")));

    [Fact]
    public async Task Statement_of_a_key_that_is_not_held_leads_nowhere() =>
        Assert.Equal([Key("a")], await Reached(["a"], Says("x", "b"), Says("b", "a")));

    [Fact]
    public async Task Statement_of_another_installation_leads_nowhere() =>
        Assert.Equal([Key("a")], await Reached(["a"], Says("a", "b", Elsewhere)));

    [Fact]
    public async Task Signature_that_does_not_fit_leads_nowhere()
    {
        var (one, other) = (Says("a", "b"), Says("a", "c"));
        Assert.Equal([Key("a")], await Reached(["a"], Text(one) + Signature(other)));
    }

    [Fact]
    public async Task Unreadable_statement_leads_nowhere() =>
        Assert.Equal([Key("a"), Key("b")], await Reached(["a"], "", "x", Text(Says("a", "c")), Says("a", "b")));

    [Fact]
    public void Statement_has_one_form()
    {
        var good = Says("a", "b");
        Assert.Equal(good, HostCaStatement.Parse(good).Text + HostCaStatement.Parse(good).Signature.Armored);
        Refused(Says("a", "b", purpose: "file"), "its signature is for file, not for certauthority-host-ca");
        Refused(Text(Says("b", "a")) + Signature(good), "another key than the old one signed it");
        Refused(Signed("a", HostCaStatement.TextOf(Here, Key("b"), Key("a"))), "another key than the old one signed it");
        Refused(Says("a", "a"), "it says of a key that it takes over from itself");
        Refused(Says("a", "b", "8D1C0F5B7A3E4C29"), "it names no installation");
        Refused(Signed("a", Text(good).Replace(" v1", " v2", StringComparison.Ordinal)), "it is not in the form of a statement");
        Refused(Signed("a", Text(good) + "and everything else\n"), "it has not four lines before its signature");
        Refused(Signed("a", Text(good).Replace("\nold ", "\nold  ", StringComparison.Ordinal)), "it is not in the form of a statement");
        Refused(Text(good), "it has no signature");
        Refused(good + "\n", "it is not in the form of a statement");

        static void Refused(string statement, string why) =>
            Assert.Equal(why, Assert.Throws<SshFormatException>(() => HostCaStatement.Parse(statement)).Message);
    }

    [Fact]
    public void File_takes_what_is_believed_and_drops_what_is_gone()
    {
        var known = new HostCas([Key("a"), Key("b")], Here);
        var (after, unproven) = known.Follow(new HostCas([Key("b"), Key("c"), Key("x")], Elsewhere), new HashSet<PublicKey> { Key("a"), Key("b"), Key("c") });
        Assert.Equal<PublicKey>([Key("b"), Key("c")], after.Keys);
        Assert.Equal(Here, after.Installation);
        Assert.Equal<PublicKey>([Key("x")], unproven);
    }

    [Fact]
    public void File_is_never_emptied_by_what_a_daemon_names()
    {
        var known = new HostCas([Key("a")], Here);
        Assert.Equal<PublicKey>([Key("a")], known.Follow(new HostCas([Key("x")], Here), known.Keys.ToHashSet()).After.Keys);
        Assert.Equal<PublicKey>([Key("a")], known.Follow(new HostCas([], Here), known.Keys.ToHashSet()).After.Keys);
    }

    [Fact]
    public void File_is_read_as_it_was_written()
    {
        var known = new HostCas([Key("a"), Key("b")], Here);
        var text = known.ToString();
        Assert.StartsWith("@cert-authority * ssh-ed25519 ", text, StringComparison.Ordinal);
        var read = HostCas.Read(text);
        Assert.Equal<PublicKey>(known.Keys, read.Keys);
        Assert.Equal(Here, read.Installation);
        // As earlier versions wrote it, with a line of somebody else's.
        read = HostCas.Read($"@cert-authority * {Key("a")}\n@cert-authority *.example.com {Key("b")}\ndb1 {Key("c")}\n@cert-authority * x\n");
        Assert.Equal<PublicKey>([Key("a")], read.Keys);
        Assert.Null(read.Installation);
        Assert.Empty(HostCas.Read(null).Keys);
    }

    private async Task<PublicKey[]> Reached(string[] known, params string[] statements)
    {
        var from = new HostCas([.. known.Select(Key)], Here);
        return [
            .. (await from.Reached(
                statements,
                one => Task.FromResult(MessageSignature.Fault(one.Signature, HostCaStatement.Purpose, Encoding.ASCII.GetBytes(one.Text)) is null)))
                .OrderBy(key => Array.FindIndex(["a", "b", "c", "d", "x"], name => Key(name) == key))];
    }

    private string Says(string old, string next, string installation = Here, string purpose = HostCaStatement.Purpose) =>
        Signed(old, HostCaStatement.TextOf(installation, Key(old), Key(next)), purpose);

    private string Signed(string by, string text, string purpose = HostCaStatement.Purpose)
    {
        Key(by);
        var file = folder.File("text", text);
        File.Delete(file + ".sig");
        var (exitCode, output) = SshKeygen.Run("-q", "-Y", "sign", "-f", folder.File(by), "-n", purpose, file);
        Assert.True(exitCode == 0, output);
        return text + File.ReadAllText(file + ".sig");
    }

    private SignatureKey Key(string name)
    {
        if (!File.Exists(folder.File(name)))
            SshKeygen.Run("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder.File(name));
        return (SignatureKey)PublicKey.ParseLine(File.ReadAllText(folder.File($"{name}.pub")).TrimEnd());
    }

    private static string Text(string statement) => statement[..statement.IndexOf(SshSignature.Begin, StringComparison.Ordinal)];

    private static string Signature(string statement) => statement[statement.IndexOf(SshSignature.Begin, StringComparison.Ordinal)..];
}
