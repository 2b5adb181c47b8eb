using System.Diagnostics;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit;

/// <summary>A CA key in an agent that is not to be believed.</summary>
public sealed class AgentCaKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly HostileAgent agent;

    public AgentCaKeyTests() => agent = new HostileAgent(folder.File("agent.sock"));

    public static readonly TheoryData<string, string> Faults = new()
    {
        { "with garbage", "does not answer with a signature: the message has type 72, not 14" },
        { "with an empty frame", "announces an answer of 0 bytes, and 1 to 65536 are read" },
        { "with a frame of 4 GiB", "announces an answer of 4294967295 bytes, and 1 to 65536 are read" },
        { "with one byte more than is read", "announces an answer of 65537 bytes, and 1 to 65536 are read" },
        { "with a list of keys", "does not answer with a signature: the message has type 12, not 14" },
        { "with a refusal", "has the key, and refuses to sign with it" },
        { "by the signature of another key", "made a signature that the key does not verify" },
        { "by a signature of other bytes", "made a signature that the key does not verify" },
        { "by a signature that names another algorithm", "made a signature that the key does not verify" },
        { "by a signature of 60 KB", "made a signature that the key does not verify" },
        { "by closing the connection", "closes the connection instead of answering" },
        { "by closing it in the middle", "closes the connection in the middle of its answer" },
        { "never", "did not answer within 4 s" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Fault_of_the_agent_is_unavailable_and_heals(string how, string why)
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        Assert.True(Verifies(await key.Sign(ToSign(key))));
        agent.Answer(how);
        var time = Stopwatch.StartNew();

        await ExpectUnavailable(() => key.Sign(ToSign(key)));

        Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.StartsWith($"the agent at {agent.Path} {why}", key.Fault, StringComparison.Ordinal);
        // Directly afterwards it is not asked again: neither to sign, nor whether it could.
        var asked = agent.Asked;
        await ExpectUnavailable(() => key.Sign(ToSign(key)));
        await ExpectUnavailable(async () => await key.ExpectUsable());
        Assert.Equal(asked, agent.Asked);

        agent.Answer("well");
        await Eventually(async () =>
        {
            await key.Check();
            return key.Fault is null;
        });
        await key.ExpectUsable();
        Assert.True(Verifies(await key.Sign(ToSign(key))));
    }

    [Fact]
    public async Task Refused_certificate_leaves_the_key_usable()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        agent.Answer("with a refusal of certificates");

        var problem = (await Assert.ThrowsAsync<ProblemException>(async () => await key.Sign(ToSign(key)))).Problem;

        Assert.Equal((ProblemCode.Unavailable, "the agent with the user CA key refuses to sign certificate 7, which is beyond its limits"), (problem.Code, problem.Detail));
        Assert.Null(key.Fault);
        agent.Answer("well");
        Assert.True(Verifies(await key.Sign(ToSign(key))));
    }

    [Fact]
    public async Task Callers_who_meet_a_silent_agent_wait_together()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        agent.Answer("never");
        var time = Stopwatch.StartNew();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ExpectUnavailable(() => key.Sign(ToSign(key)))));
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20));

        // Those who come later, one after the other, share one attempt.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        var asked = agent.Asked;
        time.Restart();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ExpectUnavailable(async () => await key.ExpectUsable())));
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20));
        Assert.Equal(asked + 1, agent.Asked);
    }

    [Fact]
    public async Task Agent_that_signs_certificates_is_not_asked_besides()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        var asked = agent.Asked;

        await key.Check();
        await key.Check();

        Assert.Equal(asked, agent.Asked);
    }

    [Fact]
    public async Task Agent_that_was_restarted_signs_the_next_certificate()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        agent.ClosesAfterEachAnswer = true;

        for (var n = 1; n < 20; n++)
            Assert.True(Verifies(await key.Sign(ToSign(key, (ulong)n))));
    }

    [Fact]
    public async Task Many_certificates_at_once_are_each_signed()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);

        var signed = await Task.WhenAll(Enumerable.Range(1, 200).Select(async n => (n, await key.Sign(ToSign(key, (ulong)n)))));

        Assert.All(signed, one =>
        {
            Assert.True(Verifies(one.Item2));
            Assert.Equal((ulong)one.n, Certificate.Parse(one.Item2).Serial);
        });
    }

    [Theory]
    [InlineData("by the signature of another key", "made a signature that the key does not verify")]
    [InlineData("by a signature of other bytes", "made a signature that the key does not verify")]
    [InlineData("with a refusal", "has the key, and refuses to sign with it")]
    [InlineData("without its keys", "does not have the key SHA256:[^ ]+; it has none; load it with SSH_AUTH_SOCK=[^ ]+/agent.sock ssh-add KEY, or correct user_ca.fingerprint")]
    [InlineData("with garbage", "cannot be used: the message has type 72, not 12")]
    [InlineData("by closing the connection", "closes the connection instead of answering; start it, and load the key with SSH_AUTH_SOCK=[^ ]+/agent.sock ssh-add KEY")]
    [InlineData("never", "did not answer within 4 s; start it")]
    public async Task Start_refuses_an_agent_that_cannot_sign(string how, string why)
    {
        if (how.Contains("signature", StringComparison.Ordinal))
            agent.AnswerSignatures(how);
        else
            agent.Answer(how);

        var refusal = (await Assert.ThrowsAsync<CaKeyException>(() => AgentCaKey.Open(agent.Custody, CaPurpose.User))).Message;

        Assert.Matches($"^user_ca: (the key in )?the agent at [^ ]+/agent.sock {why}", refusal);
        Assert.DoesNotContain('\n', refusal);
    }

    [Fact]
    public async Task Start_refuses_another_key_than_the_pinned_one()
    {
        using var other = PrivateKeys.New(CaKeyType.Ed25519);
        var pinned = agent.Custody with { Fingerprint = Fingerprint.Compute(other.PublicKey) };

        var refusal = (await Assert.ThrowsAsync<CaKeyException>(() => AgentCaKey.Open(pinned, CaPurpose.Host))).Message;

        Assert.Matches($"^host_ca: the agent at [^ ]+ does not have the key {RegexOf(pinned.Fingerprint)}; it has SHA256:[^ ]+, {RegexOf(agent.Custody.Fingerprint)}; load it with ", refusal);
    }

    [Fact]
    public async Task Socket_that_others_could_use_is_not_asked()
    {
        using var key = await AgentCaKey.Open(agent.Custody, CaPurpose.User);
        agent.Answer("by closing the connection");
        await ExpectUnavailable(() => key.Sign(ToSign(key)));
        agent.Answer("well");
        File.SetUnixFileMode(agent.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        await Eventually(async () =>
        {
            await key.Check();
            return key.Fault!.Contains("so that others can write there; run: chmod go-w", StringComparison.Ordinal);
        });

        File.SetUnixFileMode(agent.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await Eventually(async () =>
        {
            await key.Check();
            return key.Fault is null;
        });
    }

    public void Dispose()
    {
        agent.Dispose();
        folder.Dispose();
    }

    private static ToBeSigned ToSign(CaKey key, ulong serial = 7)
    {
        Assert.True(IssuancePolicy.ForProof("root", "db1", LocksInForce.None, World.Now).Holds(out var grant, out _));
        return ToBeSigned.From(grant, serial, new byte[CertificateContent.NonceLength], PublicKey.ParseLine(Vector.Text("ed25519.pub")), key.PublicKey);
    }

    private bool Verifies(byte[] bytes)
    {
        var certificate = Certificate.Parse(bytes);
        return Signature.Verifies(agent.Key.PublicKey, certificate.SignedBytes.Span, certificate.SignatureAlgorithm, certificate.SignatureBlob.Span);
    }

    private static async Task ExpectUnavailable(Func<ValueTask<byte[]>> sign)
    {
        var problem = (await Assert.ThrowsAsync<ProblemException>(async () => await sign())).Problem;
        Assert.Equal((ProblemCode.Unavailable, "the user CA key cannot sign now, so no certificate is issued"), (problem.Code, problem.Detail));
    }

    private static Task ExpectUnavailable(Func<Task> what) => ExpectUnavailable(async ValueTask<byte[]> () =>
    {
        await what();
        return [];
    });

    private static string RegexOf(string text) => System.Text.RegularExpressions.Regex.Escape(text);

    private static async Task Eventually(Func<Task<bool>> what)
    {
        for (var clock = Stopwatch.StartNew(); !await what(); await Task.Delay(50))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), "it never came about");
    }
}
