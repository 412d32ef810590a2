# frozen_string_literal: true

require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend#write_now', :backend do
  let(:ends) { sockets }
  let(:reader) { ends[0] }
  let(:writer) { ends[1] }

  it 'writes all of a String that has room, and keeps nothing of it' do
    buffer = +'hello'
    expect(backend.write_now(writer, buffer)).to be_nil
    buffer.replace('changed')
    expect(reader.readpartial(100)).to eq('hello')
  end

  it 'gives back what there is no room for, frozen, and lets nobody else run' do
    ran = false
    spin { ran = true }
    data = Random.bytes(4 << 20)
    rest = backend.write_now(writer, data)
    expect([rest.size.between?(1, data.size - 1), rest.frozen?, ran]).to eq([true, true, false])
    expect(data).to end_with(rest)
    expect(backend.write_now(writer, rest)).to eq(rest) # not a byte
    got = spin { reader.read(data.size) }
    backend.write(writer, rest)
    expect(got.await).to eq(data)
  end

  it 'leaves alone what is no String, what is no socket, and what would overtake' do
    expect([backend.write_now(writer, nil), backend.write_now(writer, %w[a b])]).to eq([nil, %w[a b]])
    into = pipe.last
    expect(backend.write_now(into, data = +'pipe')).to eq('pipe')
    expect(backend.write_now(into, data)).not_to equal(data)
    writer.sync = false
    IO.instance_method(:write).bind_call(writer, 'before ')
    expect(backend.write_now(writer, 'after')).to eq('after')
    backend.write(writer, 'after')
    expect(reader.readpartial(100)).to eq('before after')
  end

  it 'raises for a socket that is closed, here or there, and for what is none' do
    reader.close
    expect { 2.times { backend.write_now(writer, 'x') } }.to raise_error(Errno::EPIPE)
    writer.close
    expect { backend.write_now(writer, 'x') }.to raise_error(IOError)
    expect { backend.write_now(1, 'x') }.to raise_error(TypeError)
  end
end
