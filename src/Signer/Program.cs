using System.CommandLine;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Signer;

var root = new SignerCommand();
root.SetAction((parsed, _) => Catch(async () =>
{
    var settings = SignerSettings.Read(parsed.GetValue(root.Config)!);
    var client = await settings.ClientUid();
    if (!parsed.GetValue(root.Check))
        return await Serve(settings, client);
    Console.WriteLine("the settings are good");
    return 0;
}));
root.Compare.SetAction((parsed, _) => Catch(async () =>
{
    var since = root.Compare.Since(parsed, TimeProvider.System.GetUtcNow());
    string[] logs = parsed.GetValue(root.Compare.Logs) is { Length: > 0 } named
        ? named
        : [SignerSettings.Read(parsed.GetValue(root.Config)!).Log];
    using var input = new StreamReader(StandardStream.Input());
    var (recorded, last) = await AuditComparison.Recorded(Lines(input));
    var (signed, later) = AuditComparison.Signed(logs.Select(log => (log, LogLines(log))), since, last);
    string[] unknown = [.. signed.Where(one => !recorded.Contains(one.Digest)).Select(one => one.Line)];
    foreach (var line in unknown)
        Console.WriteLine(line);
    if (unknown is [])
        Console.Error.WriteLine($"certauthority-signer: {signed.Count} compared, and the audit knows all of them");
    if (later > 0)
        Console.Error.WriteLine(
            $"certauthority-signer: {later} not compared: they are not earlier than the last entry of the audit, {Instants.Show(last)}");
    if (unknown is [])
        return 0;
    Fail($"the audit does not know {unknown.Length} of {signed.Count}");
    return SignerCommand.Alarm;
}));

var result = root.Parse(args);
if (result.Errors.Count == 0)
    return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
if (result.UnmatchedTokens is [var word, ..])
    Fail($"\"{word}\" is not understood; the one command is {root.Compare.Name}, and --help shows the options");
else
    foreach (var error in result.Errors)
        Fail(error.Message);
return 2;

static async Task<int> Serve(SignerSettings settings, uint client)
{
    using var acceptor = new Acceptor();
    using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var listening = PassedSocket.Take("certauthority-signer@.socket") ?? throw new InUseException(
        "systemd passed no socket; start the socket of this key, such as certauthority-signer@user.socket, which starts this program");
    using var key = Load(settings);
    // Two processes would write over each other's lines.
    using var alone = LockFile.Take($"{settings.Log}.lock");
    await using var log = new SignatureLog(settings.Log);
    var agent = new SigningAgent(settings, key, log, TimeProvider.System, Refused);
    Console.WriteLine($"ready: {listening.LocalEndPoint}, {Fingerprint.Compute(key.PublicKey)}, for uid {client}");
    new AgentServer(listening, client, agent.Answer, Refused).Run(acceptor);
    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        acceptor.Stop();
    }
}

static PrivateKey Load(SignerSettings settings)
{
    if (settings.Credential is not { } name)
        return KeyFile.LoadOrCreate(settings.Key, $"{SigningLimits.Name(settings.Limits.Type)} CA", CaKeyType.Ed25519).Key;
    var passphrase = Credentials.Read(name);
    try
    {
        return KeyFile.LoadEncrypted(settings.Key, passphrase);
    }
    finally
    {
        Array.Clear(passphrase);
    }
}

static async Task<int> Catch(Func<Task<int>> action)
{
    try
    {
        return await action();
    }
    catch (SettingsException settings)
    {
        foreach (var fault in settings.Faults)
            Fail(fault);
        return 1;
    }
    catch (Exception e) when (e is InUseException or ExposedException or CaKeyException or ComparisonException or IOException
        or UnauthorizedAccessException or SocketException)
    {
        return Fail(e.Message);
    }
}

static IEnumerable<string> LogLines(string log)
{
    try
    {
        return File.ReadLines(log);
    }
    catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
    {
        throw new ComparisonException($"{log}: there is no such file");
    }
}

static async IAsyncEnumerable<string> Lines(StreamReader input)
{
    while (await input.ReadLineAsync() is { } line)
        yield return line;
}

// What a client sends is printable where it is shown: the lint and the reader of names see to that.
static void Refused(string what) => Console.Error.WriteLine($"{Journal.ErrorPrefix}certauthority-signer: refused: {what}");

static int Fail(string message)
{
    Console.Error.WriteLine($"{Journal.ErrorPrefix}certauthority-signer: error: {message}");
    return 1;
}
