using System.CommandLine;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using CertAuthority;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;

var root = new DaemonCommand();
root.SetAction(async (parsed, _) =>
{
    try
    {
        if (!parsed.GetValue(root.CheckConfig))
            return await Run(() => root.Read(parsed));
        var settings = root.Read(parsed);
        foreach (var warning in await SettingsReview.Warnings(settings))
            Console.Error.WriteLine($"certauthority: warning: {Printable.Escape(warning)}");
        Console.WriteLine("the configuration is good");
        if (parsed.GetValue(root.AgainstRunning))
            foreach (var line in await SettingsReview.TakesBack(settings, TimeProvider.System))
                Console.WriteLine(Printable.Escape(line));
        return 0;
    }
    catch (ConfigurationException e)
    {
        return Fail(e.Faults);
    }
    catch (StartException e)
    {
        return Fail(e.Message);
    }
});

var result = root.Parse(args);
if (result.Errors.Count == 0)
{
    // SIGTERM is ours: the library would kill the process two seconds into the drain.
    return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
}
Fail([.. result.Errors.Select(error => error.Message)]);
return 2;

static async Task<int> Run(Func<Settings> read)
{
    // Registered before the first file is touched: a signal during the start ends it just as cleanly.
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var hangups = new SemaphoreSlim(0);
    using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
    {
        signal.Cancel = true;
        hangups.Release();
    });

    var settings = read();
    await using var daemon = await Daemon.Start(settings, new BootClock());
    Console.WriteLine($"ready: {new ServerAddress.Unix(settings.SocketPath)}");
    await Notify("READY=1");
    var over = Task.WhenAny(stop.Task, daemon.Broken);
    for (var hangup = hangups.WaitAsync(); await Task.WhenAny(over, hangup) == hangup; hangup = hangups.WaitAsync())
    {
        await Notify($"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}");
        await Reload(daemon, read);
        await Notify("READY=1");
    }
    await Notify("STOPPING=1");
    if (!daemon.Broken.IsCompleted)
        return 0;
    // What was acknowledged is on the disk; what was not is nowhere but here. Only the next process can tell what is true.
    return Fail($"{(await daemon.Broken).Message}; stopping, so that the next start reads what is true");

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }
}

// A bad file changes nothing: a daemon that administrators can reach is worth more than one that has obeyed half of it.
static async Task Reload(Daemon daemon, Func<Settings> read)
{
    try
    {
        await daemon.Reload(read());
    }
    catch (ConfigurationException e)
    {
        Fail([.. e.Faults, "the configuration was not read again; the daemon runs on with what it had"]);
    }
}

// sd_notify(3): one datagram to the socket that systemd names. A leading @ stands for the abstract namespace.
static async Task Notify(string state)
{
    if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 0 } path)
        return;
    using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    await systemd.SendToAsync(Encoding.ASCII.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? '\0' + path[1..] : path));
}

static int Fail(params string[] messages)
{
    foreach (var message in messages)
        Console.Error.WriteLine($"{Journal.ErrorPrefix}certauthority: error: {Printable.Escape(message)}");
    return 1;
}
