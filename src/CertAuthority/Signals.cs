using System.Runtime.InteropServices;

namespace CertAuthority;

/// <summary>The signals that control the process: SIGTERM and SIGINT stop it, SIGHUP makes it reload its configuration.</summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim hangups = new(0);
    private readonly List<PosixSignalRegistration> registrations = [];

    /// <summary>
    /// Catches the signals of this process from now on, so that a signal during the start ends the daemon just as cleanly.
    /// </summary>
    public static Signals Catch()
    {
        var signals = new Signals();
        signals.On(PosixSignal.SIGTERM, signals.EndProcess);
        signals.On(PosixSignal.SIGINT, signals.EndProcess);
        signals.On(PosixSignal.SIGHUP, signals.HangUp);
        return signals;
    }

    /// <summary>Cancelled when the process must stop.</summary>
    public CancellationToken Stop => stop.Token;

    /// <summary>Asks the process to stop, as SIGTERM does.</summary>
    public void EndProcess() => stop.Cancel();

    /// <summary>Asks for a reload, as SIGHUP does.</summary>
    public void HangUp() => hangups.Release();

    /// <summary>Completes once for each requested reload.</summary>
    public Task HungUp(CancellationToken stopping) => hangups.WaitAsync(stopping);

    public void Dispose()
    {
        registrations.ForEach(registration => registration.Dispose());
        hangups.Dispose();
        stop.Dispose();
    }

    private void On(PosixSignal signal, Action act) => registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        act();
    }));
}
