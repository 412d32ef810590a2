# frozen_string_literal: true

require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend#write', :backend do
  let(:ends) { sockets }
  let(:reader) { ends[0] }
  let(:writer) { ends[1] }

  it 'writes several strings as one, and returns the number of bytes' do
    expect(backend.write(writer, 'a', '', 'bc', :def, 12)).to eq(8)
    expect(backend.read(reader)).to eq('abcdef12')
  end

  it 'writes nothing' do
    expect(backend.write(writer)).to eq(0)
    expect(backend.write(writer, '')).to eq(0)
  end

  it 'counts bytes, not characters' do
    expect(backend.write(writer, 'é€')).to eq(5)
  end

  it 'writes more strings than one system call takes' do
    strings = Array.new(1000) { |i| "#{i}," }
    expect(backend.write(writer, *strings)).to eq(strings.sum(&:bytesize))
    writer.close
    expect(reader.read).to eq(strings.join)
  end

  it 'waits while the other side takes nothing, and cuts nothing' do
    strings = Array.new(100) { |i| (i % 10).to_s * 20_000 }
    written = spin { backend.write(writer, *strings).tap { writer.close } }
    wait_for(written)
    expect(written.waiting_on).to start_with('io_write')
    expect(reader.read).to eq(strings.join)
    expect(written.await).to eq(2_000_000)
  end

  it 'writes a large string to a pipe in blocking mode without stopping other fibers' do
    out, into = pipe
    into.nonblock = false
    written = spin { backend.write(into, 'x' * 500_000).tap { into.close } }
    expect(out.read.size).to eq(500_000)
    expect(written.await).to eq(500_000)
  end

  it 'keeps to the bytes it was given when they are changed meanwhile' do
    data = +'a' * 1_000_000
    written = spin { backend.write(writer, data) && writer.close }
    wait_for(written)
    data.replace('b')
    expect(reader.read).to eq('a' * 1_000_000)
    written.await
  end

  it 'comes after what IO#write has buffered' do
    writer.sync = false
    writer.write('first, ')
    backend.write(writer, 'second')
    expect(backend.read(reader)).to eq('first, second')
  end

  it 'raises EPIPE, and no signal, when nobody can read any more' do
    reader.close
    expect { backend.write(writer, 'x') }.to raise_error(Errno::EPIPE)
    expect { backend.write(writer, 'x', 'y') }.to raise_error(Errno::EPIPE)
  end

  it 'can be stopped while it waits' do
    fill(writer)
    [%w[one], %w[one two]].each do |strings|
      written = spin { backend.write(writer, *strings) }
      wait_for(written)
      written.stop
      expect(written.state).to eq(:dead)
    end
  end

  it 'ends with IOError when its IO is closed while it waits' do
    fill(writer)
    written = spin { backend.write(writer, 'one', 'two') }
    wait_for(written)
    begin
      writer.close
    rescue IOError
      nil
    end
    expect { written.await }.to raise_error(IOError)
  end

  it 'writes to the writing end of what has two' do
    cat = keep(IO.popen('cat', 'r+'))
    backend.write(cat, 'through cat')
    cat.close_write
    expect(backend.read(cat)).to eq('through cat')
  end

  it 'refuses what it cannot write to' do
    out, = pipe
    expect { backend.write(out, 'x') }.to raise_error(SystemCallError)
    expect { backend.write('io', 'x') }.to raise_error(TypeError)
    expect { backend.write }.to raise_error(ArgumentError)
    expect { backend.write(writer, BasicObject.new) }.to raise_error(NoMethodError)
    writer.close
    expect { backend.write(writer, 'x') }.to raise_error(IOError, /closed/)
  end
end
