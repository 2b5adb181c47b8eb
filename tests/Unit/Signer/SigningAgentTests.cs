using System.Text.Json;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Signer;

namespace CertAuthority.Tests.Unit;

/// <summary>The signer without its socket.</summary>
public sealed class SigningAgentTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Clock clock = new();
    private readonly List<string> refusals = [];
    private SignerSettings settings = null!;
    private PrivateKey key = null!;
    private SignatureLog log = null!;
    private SigningAgent agent = null!;

    private string[] Logged => File.ReadAllLines(settings.Log);

    [Fact]
    public async Task Signature_is_logged_and_verifies()
    {
        var toBeSigned = Certificate();

        var (algorithm, blob) = (await Ask(toBeSigned))!.Value;

        Assert.True(Signature.Verifies(key.PublicKey, toBeSigned, algorithm, blob));
        using var line = JsonDocument.Parse(Assert.Single(Logged));
        Assert.Equal(
            $$"""{"time":"2026-11-30T12:00:00Z","serial":7,"type":"user","key_id":"alice","principals":["postgres","deploy@web1"],"valid_after":"2026-11-30T11:59:00Z","valid_before":"2026-11-30T13:00:00Z","key":"{{Fingerprint.Compute(PublicKey.ParseLine(Vector.Text("ed25519.pub")))}}","critical_options":[],"extensions":["permit-pty"],"digest":"{{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(toBeSigned))}}"}""",
            line.RootElement.GetRawText());
        Assert.Empty(refusals);
    }

    [Fact]
    public async Task Refused_certificate_is_neither_signed_nor_logged()
    {
        Assert.Null(await Ask(Certificate(ends: TimeSpan.FromDays(1))));

        Assert.Empty(Logged);
        Assert.StartsWith("certificate 7 of alice: it ends at ", Assert.Single(refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signatures_of_a_minute_are_limited()
    {
        for (var n = 0; n < 5; n++)
            Assert.NotNull(await Ask(Certificate()));
        // What is refused anyway does not count.
        Assert.Null(await Ask([1]));
        Assert.Null(await Ask(Certificate()));
        Assert.Equal("certificate 7 of alice: 5 certificates were signed within a minute, and no more are", refusals[^1]);
        Assert.NotNull(await Ask([.. Signature.Probe]));

        clock.Passes(TimeSpan.FromMinutes(1));
        Assert.NotNull(await Ask(Certificate()));
    }

    [Fact]
    public async Task Nothing_is_signed_that_cannot_be_logged()
    {
        Assert.NotNull(await Ask(Certificate()));
        // A folder is where the log should be, as if the disk failed.
        File.Move(settings.Log, $"{settings.Log}.1");
        Directory.CreateDirectory(settings.Log);

        Assert.Null(await Ask(Certificate()));
        Assert.Null(await Ask([.. Signature.Probe]));
        Assert.StartsWith("the log cannot be written: ", refusals[0], StringComparison.Ordinal);

        Directory.Delete(settings.Log);
        Assert.NotNull(await Ask([.. Signature.Probe]));
        Assert.NotNull(await Ask(Certificate()));
        Assert.Single(Logged);
    }

    [Fact]
    public async Task Log_that_was_moved_away_begins_anew()
    {
        Assert.NotNull(await Ask(Certificate()));
        File.Move(settings.Log, $"{settings.Log}.1");
        Assert.NotNull(await Ask(Certificate()));

        Assert.Single(File.ReadAllLines($"{settings.Log}.1"));
        Assert.Single(Logged);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(settings.Log));
    }

    [Fact]
    public async Task Line_that_was_cut_short_stays_apart()
    {
        Assert.NotNull(await Ask(Certificate()));
        await log.DisposeAsync();
        File.AppendAllText(settings.Log, "{\"time\":\"2026-11");
        log = new SignatureLog(settings.Log);
        agent = new SigningAgent(settings, key, log, clock, refusals.Add);

        Assert.NotNull(await Ask(Certificate()));

        Assert.Equal(["{\"time\":\"2026-11-30T12:00:00Z\"", "{\"time\":\"2026-11", "{\"time\":\"2026-11-30T12:00:00Z\""], Logged.Select(line => line.Split(',')[0]));
        Assert.Equal(2, AuditComparison.Signed([("log", Logged)], since: null, SignerSample.Now.AddSeconds(1)).Signed.Count);
    }

    [Fact]
    public void Log_that_others_could_write_is_refused()
    {
        var other = folder.File("other.jsonl");
        File.WriteAllText(other, "");
        File.SetUnixFileMode(other, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);

        Assert.Throws<ExposedException>(() => new SignatureLog(other));
    }

    [Fact]
    public async Task Many_signatures_at_once_are_each_logged()
    {
        settings = settings with { Limits = settings.Limits with { PerMinute = 1000 } };
        agent = new SigningAgent(settings, key, log, clock, refusals.Add);

        var signed = await Task.WhenAll(Enumerable.Range(1, 200).Select(n => Task.Run(() => Ask(Certificate(serial: (ulong)n)))));

        Assert.All(signed, one => Assert.NotNull(one));
        Assert.Equal(
            Enumerable.Range(1, 200), Logged.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("serial").GetInt32()).Order());
    }

    [Fact]
    public async Task Key_file_that_changed_fails_the_daemon_s_look()
    {
        File.SetUnixFileMode(settings.Key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Assert.Null(await Ask([.. Signature.Probe]));

        Assert.EndsWith($"has mode 0640, so that others can use it; run: chmod 600 {settings.Key}", Assert.Single(refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_lists_its_key_and_answers_nothing_else()
    {
        var listed = AgentMessages.ReadIdentities(await agent.Answer(AgentMessages.ListRequest));
        Assert.Equal(Convert.ToHexString(key.PublicKey.ToBlob()), Convert.ToHexString([.. Assert.Single(listed).Blob]));

        // Every message of the protocol, empty and with a key: adding, removing, locking, smartcards, extensions.
        for (var type = 0; type < 256; type++)
            if (type != 11)
            {
                Assert.Equal([5], await agent.Answer(new byte[] { (byte)type }));
                if (type != 13)
                    Assert.Equal([5], await agent.Answer(new WireWriter().Byte((byte)type).String(key.PublicKey.ToBlob()).String(Certificate()).UInt32(0).ToArray()));
            }
        Assert.Equal([5], await agent.Answer(ReadOnlyMemory<byte>.Empty));
        Assert.Equal([5], await agent.Answer(new byte[] { 11, 0 }));
        Assert.Equal([5], await agent.Answer((byte[])[.. AgentMessages.ToSign(key.PublicKey, Certificate()), 0]));
        Assert.Equal([5], await agent.Answer(AgentMessages.ToSign(SignerSample.Ca.PublicKey, Certificate())));
        Assert.Equal([5], await agent.Answer(new WireWriter().Byte(13).String(key.PublicKey.ToBlob()).String(Certificate()).UInt32(4).ToArray()));
        Assert.Empty(Logged);
    }

    public Task InitializeAsync()
    {
        var directory = folder.File("keys");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        settings = new SignerSettings(Path.Combine(directory, "user_ca"), null, "0", folder.File("signatures.jsonl"), SignerSample.Limits);
        key = KeyFile.LoadOrCreate(settings.Key, "user CA", CaKeyType.Ed25519).Key;
        log = new SignatureLog(settings.Log);
        agent = new SigningAgent(settings, key, log, clock, refusals.Add);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await log.DisposeAsync();

    public void Dispose()
    {
        key.Dispose();
        folder.Dispose();
    }

    private byte[] Certificate(TimeSpan? ends = null, ulong serial = 7) => SignerSample.User(ends: ends, ca: key.PublicKey, serial: serial);

    private async Task<(string Algorithm, byte[] Blob)?> Ask(byte[] data) => AgentMessages.ReadSignature(await agent.Answer(AgentMessages.ToSign(key.PublicKey, data)));

    private sealed class Clock : TimeProvider
    {
        private TimeSpan passed;

        public void Passes(TimeSpan time) => passed += time;

        public override DateTimeOffset GetUtcNow() => SignerSample.Now;

        public override long GetTimestamp() => passed.Ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    }
}
